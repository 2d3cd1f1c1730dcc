//! A network whose scenario has a schedule changes by it, as long as it is chosen.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::changing;
use crate::sockets::PATIENCE;
use testbed::live::gateway::{Change, Conditions, Gateway, Options, OwnNetwork, Stream};

/// A delay that is long for two seconds of three.
fn scheduled() -> String {
    changing("3s", "5ms", &[["1s", "delay", "250ms"]])
}

/// Sends a byte there and back until that takes long, or until it does not; the time from `since` to then.
async fn until(is_slow: bool, [near, far]: &mut [Stream; 2], since: Instant) -> Duration {
    loop {
        let begun = Instant::now();
        near.write_all(b"x").await.expect("an open connection");
        far.read_exact(&mut [0]).await.expect("an open connection");
        far.write_all(b"x").await.expect("an open connection");
        near.read_exact(&mut [0]).await.expect("an open connection");
        if (begun.elapsed() >= Duration::from_millis(400)) == is_slow {
            return since.elapsed();
        }
        assert!(since.elapsed() < PATIENCE, "no schedule is followed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The network without its schedule.
fn plain(text: &str) -> &str {
    text.split("[[schedule]]").next().unwrap_or_default()
}

fn conditions(text: &str) -> Conditions {
    Options::default().conditions(Some(("test.toml", text))).expect("a sound network")
}

fn own(links: &Conditions) -> OwnNetwork {
    OwnNetwork { links: Some(links.clone()), congestion: None }
}

async fn follow(text: &str, is_everybodys: bool) {
    let (plain, scheduled) = (conditions(plain(text)), conditions(text));
    let gateway = Gateway::start(&plain).expect("a thread");
    let mut connection = gateway.open().await.expect("a connection");
    let mut other = gateway.open().await.expect("a connection");
    let number = connection[0].connection();
    until(false, &mut connection, Instant::now()).await;
    let since = Instant::now();
    if is_everybodys {
        // A network of its own stays as it is.
        gateway.set_own(other[0].connection(), &own(&plain)).expect("a network");
        gateway.set(&scheduled).expect("a network");
    } else {
        gateway.set_own(number, &own(&scheduled)).expect("a network");
    }
    let slow = until(true, &mut connection, since).await;
    assert!(slow >= Duration::from_secs(1), "{slow:?}");
    let others = until(false, &mut other, Instant::now()).await;
    assert!(others < Duration::from_millis(400), "{others:?}");
    until(false, &mut connection, since).await;
    let again = until(true, &mut connection, since).await;
    assert!(again >= Duration::from_secs(4), "{again:?}");
    gateway.set(&plain).expect("a network");
    gateway.set_own(number, &OwnNetwork::default()).expect("a network");
    until(false, &mut connection, since).await;
}

#[tokio::test]
async fn a_network_follows_its_schedule_and_begins_it_anew() {
    let one = scheduled();
    let described = conditions(&one).describe_links();
    assert_eq!(described, "0% loss, 5ms delay each way, with 1 change every 3s");
    // The same behind another link, which does not change.
    let two = one.replace("[\"path\"]", "[\"access\", \"path\"]");
    let two = two.replace("[link.path]", "[link.access]\ndelay = \"5ms\"\nper_client = true\n[link.path]");
    tokio::join!(follow(&one, true), follow(&one, false), follow(&two, true), follow(&two, false),);
}

#[tokio::test]
async fn a_schedule_of_a_moment_does_not_hold_up_the_gateway() {
    let text = changing("1us", "5ms", &[["0s", "delay", "250ms"]]);
    let gateway = Gateway::start(&conditions(&text)).expect("a thread");
    let mut connection = gateway.open().await.expect("a connection");
    gateway.set_own(connection[0].connection(), &own(&conditions(&text))).expect("a network");
    let since = Instant::now();
    until(true, &mut connection, since).await;
    let opened = tokio::time::timeout(PATIENCE, gateway.statistics()).await.expect("it obeys");
    assert_eq!(opened.expect("a world").opened, 1);
}

/// A change of something else neither ends a schedule nor begins it anew.
#[tokio::test]
async fn a_schedule_goes_on_where_it_stands_when_something_else_changes() {
    let scheduled = conditions(&scheduled());
    let options = Options { rate: Some("1mbit".to_owned()), ..Options::default() };
    let changed = scheduled.changed(&Change::of(&options, &scheduled).expect("a sound change"));
    let change = async |is_own: bool| {
        let gateway = Gateway::start(&scheduled).expect("a thread");
        let since = Instant::now();
        let mut connection = gateway.open().await.expect("a connection");
        tokio::time::sleep(Duration::from_millis(700)).await;
        let number = connection[0].connection();
        let set = if is_own { gateway.set_own(number, &own(&changed)) } else { gateway.set(&changed) };
        set.expect("a network");
        let slow = until(true, &mut connection, since).await;
        assert!((Duration::from_secs(1)..Duration::from_millis(2_600)).contains(&slow), "{slow:?}");
        gateway.set(&changed).expect("a network");
        // It is in its second half still, which ends when it would have ended without a change.
        let quick = until(false, &mut connection, since).await;
        assert!((Duration::from_millis(2_700)..Duration::from_secs(4)).contains(&quick), "{quick:?}");
    };
    tokio::join!(change(true), change(false));
}
