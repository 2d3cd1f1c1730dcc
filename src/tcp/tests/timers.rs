//! Linux's timers: waits of whole ticks of 4 ms, which end in slots of a wheel (`kernel/time/timer.c`,
//! `__calc_wheel_index`), and what `TCP_TIMEOUT_MIN` adds to short ones.

use super::{Script, blocks, ms, plain, sack, segment};
use crate::tcp::{Config, Recovery};
use crate::wire::Flags;

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

/// `tcp_rack_mark_lost` adds two ticks: 2.5 ms of reordering become three ticks.
#[test]
fn what_was_overtaken_gets_two_ticks_more() {
    let mut script = sender();
    script.send(22, blocks(1, &[(1001, 2001)]));
    script.silent(33);
    script.wait(38);
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

/// `tcp_schedule_loss_probe` adds two ticks to two round trips.
#[test]
fn a_tail_is_probed_two_ticks_later() {
    let mut script = sender();
    script.silent(37);
    script.wait(42);
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
