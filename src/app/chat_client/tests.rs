//! Messages that people send and hear, also over connections that break.

use super::*;
use crate::app::chat_server::{ChatServer, Counts};
use crate::app::testing::{World, ms};
use crate::chat::client::{Addressee, Arrivals, Churn, SizeDistribution};
use crate::chat::protocol::{Dialect, JSON_LINES, RELIABLE, framed};

fn talk() -> Talk {
    Talk {
        interval: Duration::from_millis(100),
        arrivals: Arrivals::Poisson,
        size: SizeDistribution::Uniform { low: 9, high: 300 },
        to: Addressee::Everyone,
        rooms: 1,
        churn: None,
    }
}

/// People who talk like this until `horizon`, all at one server.
fn world(seed: u64, people: u32, talk: &Talk, horizon: Instant) -> World<ChatServer> {
    world_of(JSON_LINES, seed, people, talk, horizon)
}

/// The same in this dialect.
fn world_of(
    dialect: &'static dyn Dialect,
    seed: u64,
    people: u32,
    talk: &Talk,
    horizon: Instant,
) -> World<ChatServer> {
    let mut world = World::new(seed, ChatServer::new(dialect), horizon);
    for (n, seat) in Seat::all(&[("p", people, talk)], 20).into_iter().enumerate() {
        let label = format!("client/p-{n}");
        world.add(ChatClient::new(dialect, Seed(seed), &label, talk.clone(), seat));
    }
    world
}

/// The author of message `id` is not recorded: it is the person who did not hear it.
fn hearers(world: &World<ChatServer>) -> Vec<Vec<usize>> {
    let mut hearers = vec![Vec::new(); world.net.messages.len()];
    for &(who, MessageId(id)) in &world.net.delivered {
        hearers[id as usize].push(who);
    }
    hearers
}

#[test]
fn everyone_hears_everything_once_and_in_order() {
    for seed in 0..10 {
        let mut world = world(seed, 5, &talk(), ms(2000));
        (world.net.piece, world.net.capacity) = if seed % 2 == 0 { (7, 50) } else { (2000, 5000) };
        world.run();
        assert!(world.net.messages.len() > 50);
        let mut order = vec![Vec::new(); 5];
        for (id, mut who) in hearers(&world).into_iter().enumerate() {
            who.sort_unstable();
            who.dedup();
            assert_eq!(who.len(), 4, "message {id}");
            assert_eq!(world.net.messages[id].2, 4);
            let author = (0..5).find(|n| !who.contains(n)).expect("one did not hear it");
            order[author].push(id as u32);
        }
        assert_eq!(world.net.delivered.len(), 4 * world.net.messages.len());
        for hearer in 0..5 {
            for said in &order {
                let heard = world.net.delivered.iter().filter(|d| d.0 == hearer).map(|d| d.1.0);
                let heard: Vec<_> = heard.filter(|id| said.contains(id)).collect();
                assert!(heard.is_sorted());
            }
        }
    }
}

#[test]
fn a_message_is_announced_when_it_is_meant() {
    let mut world = world(1, 3, &talk(), ms(1000));
    world.run();
    assert!(world.net.messages.iter().all(|(intended, announced, _)| intended == announced));
}

#[test]
fn a_slow_network_delays_no_intention() {
    let intended = |capacity: usize, seed| {
        let mut world = world(seed, 3, &talk(), ms(1000));
        world.net.capacity = capacity;
        if capacity == 0 {
            // Nothing can be written before the first second is over.
            world.start();
            world.run_until(ms(1000));
            assert_eq!(world.net.delivered, []);
            world.net.capacity = 100;
        }
        world.run();
        let mut all: Vec<_> = world.net.messages.iter().map(|message| message.0).collect();
        all.sort_unstable();
        assert_eq!(world.net.delivered.len(), 2 * all.len());
        all
    };
    assert_eq!(intended(0, 1), intended(5000, 1));
}

#[test]
fn only_the_room_hears_what_is_said_in_it() {
    let mut world = world(1, 7, &Talk { to: Addressee::Room, rooms: 3, ..talk() }, ms(2000));
    world.run();
    for (id, who) in hearers(&world).into_iter().enumerate() {
        let room = who.first().map_or(1, |n| n % 3);
        assert!(who.iter().all(|n| n % 3 == room), "{who:?}");
        // Room 0 has the people 0, 3 and 6, the others have two.
        let audience = if room == 0 { 2 } else { 1 };
        assert_eq!((who.len(), world.net.messages[id].2), (audience, audience as u32));
    }
}

#[test]
fn one_person_hears_what_is_said_to_one() {
    let mut world = world(1, 4, &Talk { to: Addressee::One, ..talk() }, ms(2000));
    world.run();
    assert!(hearers(&world).iter().all(|who| who.len() == 1));
    assert!(world.net.messages.iter().all(|message| message.2 == 1));
}

#[test]
fn whoever_is_told_something_while_they_are_alone_is_nobody() {
    let mut world = world(1, 1, &talk(), ms(1000));
    world.run();
    assert!(!world.net.messages.is_empty());
    assert!(world.net.messages.iter().all(|message| message.2 == 0));
    assert_eq!(world.net.delivered, []);
}

#[test]
fn who_comes_and_goes_still_hears_all_that_was_meant_for_it() {
    let churn = Some(Churn { stay: Duration::from_millis(500), away: Duration::from_millis(200) });
    for seed in 0..5 {
        let mut world = world(seed, 6, &Talk { churn, ..talk() }, ms(5000));
        world.net.capacity = 300;
        world.run();
        assert!(world.net.conns.len() > 20, "{} connections", world.net.conns.len());
        let said: u32 = world.net.messages.iter().map(|message| message.2).sum();
        assert_eq!(world.net.delivered.len(), said as usize);
        assert!(world.net.messages.iter().any(|message| message.2 < 5));
    }
}

#[test]
fn nobody_comes_or_goes_after_the_horizon() {
    let churn = Some(Churn { stay: Duration::from_millis(500), away: Duration::from_millis(200) });
    let mut world = world(1, 6, &Talk { churn, ..talk() }, ms(1000));
    world.run();
    // Nothing is left to wake up for: the server waits for nobody, the clients mean nothing.
    assert!(world.net.now < ms(1000));
    assert!(world.clients.iter().all(|client| client.poll_timeout().is_none()));
}

#[test]
fn a_lost_connection_is_replaced_and_what_waited_is_sent() {
    let mut world = world(1, 3, &talk(), ms(5000));
    world.start();
    world.run_until(ms(1000));
    world.net.cut(Conn(0));
    world.run_until(ms(1990));
    assert_eq!((world.net.conns.len(), world.server.people()), (3, 2));
    world.run();
    assert_eq!((world.net.conns.len(), world.server.people()), (4, 3));
    // Messages due in the second without a connection reached the others all the same.
    let said: u32 = world.net.messages.iter().map(|message| message.2).sum();
    assert_eq!(world.net.delivered.len(), said as usize);
}

#[test]
fn a_taken_nick_is_tried_again() {
    let mut world = world(1, 2, &talk(), ms(3000));
    let mut seat = Seat::all(&[("p", 2, &talk())], 20);
    world.clients[1] =
        Box::new(ChatClient::new(JSON_LINES, Seed(1), "client/p-1", talk(), seat.swap_remove(0)));
    world.start();
    world.run_until(ms(5000));
    assert_eq!(world.server.people(), 1);
    assert_eq!(world.server.counts().rejected, 5);
}

#[test]
fn the_same_seed_gives_the_same_conversation() {
    let run = || {
        let mut world = world(3, 4, &talk(), ms(1000));
        world.run();
        (world.net.messages, world.net.delivered)
    };
    assert_eq!(run(), run());
}

/// Everything that was said was heard by all who should hear it, once.
fn assert_all_heard(world: &World<ChatServer>) {
    let said: u32 = world.net.messages.iter().map(|message| message.2).sum();
    assert!(world.net.messages.len() > 50, "{}", world.net.messages.len());
    assert_eq!(world.net.delivered.len(), said as usize);
    let mut once = world.net.delivered.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), said as usize, "somebody heard something twice");
}

#[test]
fn people_of_every_framed_dialect_hear_everything_once() {
    for dialect in framed() {
        for (to, rooms) in [(Addressee::Everyone, 1), (Addressee::Room, 2), (Addressee::One, 1)] {
            let talk = Talk { to, rooms, ..talk() };
            let mut world = world_of(dialect, 1, 5, &talk, ms(5000));
            (world.net.piece, world.net.capacity) = (200, 2000);
            world.start();
            // Dialects that acknowledge go on after the horizon: heartbeats have no end.
            world.run_until(ms(60_000));
            assert_all_heard(&world);
            assert_eq!(world.server.counts(), Counts::default(), "{dialect:?}");
        }
    }
}

#[test]
fn who_leaves_is_told_what_waited_for_acknowledgments() {
    let churn = Some(Churn { stay: Duration::from_millis(900), away: Duration::from_millis(300) });
    for seed in 0..3 {
        let mut world = world_of(RELIABLE, seed, 6, &Talk { churn, ..talk() }, ms(5000));
        world.net.capacity = 3000;
        world.start();
        world.run_until(ms(60_000));
        assert!(world.net.conns.len() > 15, "{} connections", world.net.conns.len());
        assert_all_heard(&world);
    }
}

#[test]
fn a_server_that_acknowledges_nothing_is_given_up() {
    let mut world = world_of(RELIABLE, 1, 2, &talk(), ms(300_000));
    world.start();
    world.run_until(ms(1000));
    assert_eq!(world.server.people(), 2);
    world.net.conns[0].frozen = true;
    world.run_until(ms(250_000));
    // Three repetitions, each after twice the wait of the one before.
    assert!(world.net.conns[0].gone);
    assert!(world.net.conns.len() > 2, "it comes back");
}

#[test]
fn what_a_late_acknowledgment_repeats_is_heard_once() {
    let moved = |frozen_for: u64| {
        let mut world = world_of(RELIABLE, 1, 4, &talk(), ms(12_000));
        world.net.capacity = 20_000;
        world.start();
        world.run_until(ms(1000));
        world.net.conns[0].frozen = true;
        world.run_until(ms(1000 + frozen_for));
        world.net.conns[0].frozen = false;
        world.run_until(ms(60_000));
        assert_all_heard(&world);
        assert_eq!(world.net.conns.len(), 4, "nobody is given up");
        world.net.moved
    };
    // Longer than the patience of both sides, shorter than a server is given up.
    let (whole, late) = (moved(0), moved(8_000));
    assert!(late.0 > whole.0 + 1_000 && late.1 > whole.1 + 1_000, "{late:?} instead of {whole:?}");
}
