//! Linux's timers: waits of whole ticks of 4 ms, which end in slots of a wheel (`kernel/time/timer.c`,
//! `__calc_wheel_index`), and what `TCP_TIMEOUT_MIN_US` adds to short ones.

use super::{Script, at, blocks, ms, plain, sack, segment, syn_ack};
use crate::tcp::{Config, Recovery, RtoFloor};
use crate::wire::{Flags, SynOptions};

fn rack() -> Config {
    Config { recovery: Recovery::Rack, tick: ms(4), ..sack() }
}

/// Two segments of 1000 bytes left at 10 ms; the round trip of the handshake was 10 ms.
fn sender() -> Script {
    let mut script = Script::established_with_sack(&rack());
    script.write(2_000);
    assert_eq!(script.take().len(), 2);
    script
}

/// 250 ticks are too many for the first level; slots of the second have 8.
#[test]
fn a_timeout_of_a_second_ends_in_a_slot_of_32_ms() {
    let mut script = Script::connect(&Config { tick: ms(4), ..plain() });
    script.recv(0, "S 0..1");
    script.silent(1_000);
    script.wait(1_032);
    assert_eq!(script.take(), ["S 0..1"]);
}

/// `tcp_rack_mark_lost` adds 2 ms: 2.5 ms of reordering become two ticks.
#[test]
fn what_was_overtaken_gets_two_milliseconds_more() {
    let mut script = sender();
    script.send(22, blocks(1, &[(1001, 2001)]));
    script.silent(29);
    script.wait(34);
    assert_eq!(script.take(), ["A 1..1001 ack 1"]);
}

/// An acknowledgment that comes before the timer finds the loss in time.
#[test]
fn acknowledgments_do_not_wait_for_ticks() {
    let mut script = sender();
    script.send(22, blocks(1, &[(1001, 2001)]));
    script.send(25, blocks(1, &[(1001, 2001)]));
    assert_eq!(script.take(), ["A 1..1001 ack 1"]);
}

/// `tcp_schedule_loss_probe` adds 2 ms to two round trips of 10 ms, which makes six ticks.
#[test]
fn a_tail_is_probed_two_milliseconds_later() {
    let mut script = sender();
    script.silent(33);
    script.wait(38);
    assert_eq!(script.take(), ["A 1001..2001 ack 1"]);
}

#[test]
fn a_delayed_acknowledgment_waits_for_ten_ticks() {
    let mut script = Script::established(&Config { tick: ms(4), ..plain() });
    script.send(20, segment(Flags::ACK, 1, 1, 500));
    script.silent(59);
    script.wait(64);
    assert_eq!(script.take(), ["A 1..1 ack 501"]);
}

/// One timer has both: a probe of one segment, which waits for two round trips and 200 ms, takes the place of a timeout
/// that is due at the same time, also where the slots of the one are longer than those of the other.
#[test]
fn a_probe_takes_the_place_of_the_timeout() {
    let config = Config { rto_floor: RtoFloor::Variance, ..rack() };
    for started in 50..90 {
        let mut script = Script::connect(&config);
        script.take();
        let offer = SynOptions { mss: Some(1000), sack_permitted: true, ..SynOptions::default() };
        script.send(40, syn_ack(offer));
        script.wait(started);
        script.take();
        script.write(1_000);
        script.wait(started + 300);
        assert_eq!(script.take().len(), 2, "at {started} ms: the segment and its probe");
        let now = at(started + 300);
        assert_eq!(script.tcp.stats(now).timeouts, 0, "at {started} ms");
    }
}
