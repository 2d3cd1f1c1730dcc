//! A network whose scenario has a schedule changes by it, as long as it is chosen.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::sockets::PATIENCE;
use testbed::live::gateway::{Conditions, Gateway, Options, Stream};

/// A delay that is long for a second of two.
const SCHEDULED: &str = r#"
duration = "2s"
[link.path]
delay = "5ms"
per_client = true
[[clients]]
name = "one"
path = ["path"]
app = { kind = "bulk" }
[[schedule]]
at = "1s"
set = { "link.path.delay" = "250ms" }
"#;

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

async fn follow(scheduled: &Conditions, is_everybodys: bool) {
    let plain = Options { delay: Some("5ms".to_owned()), ..Options::default() };
    let plain = plain.conditions(None).expect("a sound network");
    let gateway = Gateway::start(&plain).expect("a thread");
    let mut connection = gateway.open().await.expect("a connection");
    let mut other = gateway.open().await.expect("a connection");
    let number = connection[0].connection();
    until(false, &mut connection, Instant::now()).await;
    let since = Instant::now();
    if is_everybodys {
        gateway.set(scheduled).expect("a network");
    } else {
        gateway.set_own(number, Some(scheduled)).expect("a network");
    }
    let slow = until(true, &mut connection, since).await;
    assert!(slow >= Duration::from_secs(1), "{slow:?}");
    until(is_everybodys, &mut other, since).await;
    until(false, &mut connection, since).await;
    let again = until(true, &mut connection, since).await;
    assert!(again >= Duration::from_secs(3), "{again:?}");
    gateway.set(&plain).expect("a network");
    gateway.set_own(number, None).expect("a network");
    until(false, &mut connection, since).await;
}

#[tokio::test]
async fn a_network_follows_its_schedule_and_begins_it_anew() {
    let scheduled = Options::default().conditions(Some(("test.toml", SCHEDULED))).expect("a sound network");
    assert_eq!(scheduled.describe_links(), "0% loss, 5ms delay each way, with 1 change every 2s");
    tokio::join!(follow(&scheduled, true), follow(&scheduled, false));
}
