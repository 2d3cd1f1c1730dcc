//! RFC 2883 (duplicate SACK): reports of what arrived twice; RFC 3708 and RFC 8985: what a sender makes of them.

use super::{Pair, Script, blocks, ms, sack, segment};
use crate::facts::SenderEvent;
use crate::tcp::{Config, Recovery};
use crate::wire::Flags;

const ACK: Flags = Flags::ACK;

fn dsack() -> Config {
    Config { dsack: true, ..sack() }
}

/// A receiver.
fn receiver() -> Script {
    Script::established_with_sack(&dsack())
}

/// A sender whose first ten segments left at 10 ms.
fn sender(recovery: Recovery) -> Script {
    let mut script = Script::established_with_sack(&Config { recovery, ..dsack() });
    script.write(10_000);
    assert_eq!(script.take().len(), 10);
    script
}

/// The segment that begins at `seq` arrives; its answer.
fn answer(script: &mut Script, millis: u64, seq: u32, len: u32) -> Vec<String> {
    script.send(millis, segment(ACK, seq, 1, len));
    script.tcp.discard();
    script.drain();
    script.take()
}

/// §4.1.1, example 1: a full duplicate below the acknowledgment is the first and only block.
#[test]
fn a_duplicate_below_the_acknowledgment_is_reported_once() {
    let mut script = receiver();
    answer(&mut script, 20, 1, 1000);
    answer(&mut script, 21, 1001, 1000);
    assert_eq!(answer(&mut script, 22, 1001, 1000), ["A 1..1 ack 2001 sack 1001..2001"]);
    script.send(23, segment(ACK, 5001, 1, 1000));
    assert_eq!(script.take(), ["A 1..1 ack 2001 sack 5001..6001"], "the duplicate is not reported again");
}

/// §4.1.1, example 2: with a gap the block beyond it follows.
#[test]
fn a_duplicate_comes_before_what_lies_beyond_a_gap() {
    let mut script = receiver();
    answer(&mut script, 20, 1, 1000);
    answer(&mut script, 21, 2001, 1000);
    assert_eq!(answer(&mut script, 22, 1, 1000), ["A 1..1 ack 1001 sack 1..1001,2001..3001"]);
}

/// §4.1.1, example 3: a duplicate beyond a gap is followed by the block that holds it, then by others, the
/// newest first.
#[test]
fn a_duplicate_beyond_a_gap_is_followed_by_its_block() {
    let mut script = receiver();
    answer(&mut script, 20, 2001, 3000);
    answer(&mut script, 21, 7001, 1000);
    assert_eq!(answer(&mut script, 22, 3001, 1000), ["A 1..1 ack 1 sack 3001..4001,2001..5001,7001..8001"]);
}

/// §4.2: of a segment that is new in part only the rest is reported: below the acknowledgment, beyond a gap,
/// and the first of two.
#[test]
fn of_a_partial_duplicate_the_part_is_reported() {
    let mut script = receiver();
    answer(&mut script, 20, 1, 1000);
    assert_eq!(answer(&mut script, 21, 501, 1000), ["A 1..1 ack 1501 sack 501..1001"]);
    answer(&mut script, 22, 2501, 500);
    answer(&mut script, 23, 3501, 500);
    assert_eq!(answer(&mut script, 24, 2001, 2000), ["A 1..1 ack 1501 sack 2501..3001,2001..4001"]);
    assert_eq!(answer(&mut script, 25, 1501, 1000), ["A 1..1 ack 4001 sack 2001..2501"]);
}

/// §4: a FIN that comes again is a duplicate too; segments without sequence space and SYNs are none.
#[test]
fn a_fin_is_reported_and_what_has_no_numbers_is_not() {
    let mut script = receiver();
    answer(&mut script, 20, 1, 1000);
    script.send(21, segment(Flags::FIN.with(ACK), 1001, 1, 0));
    script.take();
    script.send(22, segment(Flags::FIN.with(ACK), 1001, 1, 0));
    assert_eq!(script.take(), ["A 1..1 ack 1002 sack 1001..1002"]);
    script.send(23, segment(ACK, 0, 1, 0));
    script.send(24, super::syn_ack(crate::wire::SynOptions::default()));
    assert!(script.take().iter().all(|line| line == "A 1..1 ack 1002"));
}

/// RFC 2883 is an extension of SACK: not without it, nor if switched off.
#[test]
fn without_sack_or_by_choice_nothing_is_reported() {
    for mut script in [Script::established(&dsack()), Script::established_with_sack(&sack())] {
        answer(&mut script, 20, 1, 1000);
        assert_eq!(answer(&mut script, 21, 1, 1000), ["A 1..1 ack 1001"]);
    }
}

/// RFC 7323 §5.3: a duplicate whose timestamp is too old is a duplicate as well (`tcp_send_dupack`).
#[test]
fn what_paws_refuses_is_reported() {
    let offer = crate::wire::SynOptions { mss: Some(1012), sack_permitted: true, ..Default::default() };
    let config = Config { timestamps: true, ..dsack() };
    let stamped = super::with_stamps;
    let mut script = Script::open_with(&config, stamped(super::syn_ack(offer), 70, 1));
    script.send(20, stamped(segment(ACK, 1, 1, 1000), 80, 1));
    script.wait(100);
    script.take();
    script.send(101, stamped(segment(ACK, 1, 1, 1000), 75, 1));
    assert_eq!(script.take(), ["A 1..1 ack 1001 sack 1..1001"]);
}

/// The option of a data segment takes its bytes from the payload (RFC 9293 §3.7.1).
#[test]
fn a_report_on_a_data_segment_shortens_its_payload() {
    let mut script = receiver();
    script.send(20, segment(ACK, 1, 1, 1000));
    script.wait(100);
    script.take();
    script.tcp.handle_segment(script.now, &segment(ACK, 1, 1, 1000));
    script.tcp.write_zeros(2_000);
    script.drain();
    assert_eq!(script.take()[0], "A 1..989 ack 1001 sack 1..1001");
}

/// RFC 3708 §2 (as Linux's `tcp_try_undo_dsack`): when every repeat of an episode was a duplicate, the window
/// and the threshold come back; not before, and not if one was needed.
#[test]
fn a_recovery_whose_repeats_all_arrived_twice_is_taken_back() {
    for recovery in [Recovery::Sack, Recovery::Rack] {
        for needed in [false, true] {
            let mut script = sender(recovery);
            // 1 and 2 are late: both are sent again.
            for end in [3001, 4001, 5001, 10_001] {
                script.send(20, blocks(1, &[(2001, end)]));
            }
            assert_eq!(script.take(), ["A 1..1001 ack 1", "A 1001..2001 ack 1"]);
            script.send(21, segment(ACK, 1, 10_001, 0));
            assert_eq!(script.tcp.snapshot().ssthresh, Some(5_000), "over, and nothing is known yet");
            script.send(31, blocks(10_001, &[(1, 1001)]));
            assert_eq!(script.tcp.stats(script.now).spurious, 0, "{recovery:?}: one is left");
            if !needed {
                script.send(32, blocks(10_001, &[(1001, 2001)]));
                let now = script.tcp.snapshot();
                assert!(now.cwnd >= 10_000 && now.ssthresh.is_none(), "{recovery:?}: {now:?}");
                let kinds: Vec<_> = script.tcp.take_signals().into_iter().map(|signal| signal.1).collect();
                assert!(kinds.contains(&SenderEvent::SpuriousRecovery), "{kinds:?}");
            }
            assert_eq!(script.tcp.stats(script.now).spurious, u64::from(!needed), "{recovery:?}");
        }
    }
}

/// RFC 3708 §2: so is a timeout's, by the report of the one segment that it sent again.
#[test]
fn a_timeout_whose_repeat_arrived_twice_is_taken_back() {
    let mut script = Script::established_with_sack(&dsack());
    script.write(1_000);
    script.take();
    script.recv(210, "A 1..1001 ack 1");
    script.send(220, segment(ACK, 1, 1001, 0));
    assert_eq!(script.tcp.snapshot().ssthresh, Some(2_000));
    script.send(230, blocks(1001, &[(1, 1001)]));
    assert_eq!((script.tcp.snapshot().ssthresh, script.tcp.stats(script.now).spurious), (None, 1));
    assert!(script.tcp.snapshot().cwnd >= 10_000);
}

/// RFC 3708 §2: while the repair goes on it ends there, and what was not sent again is not repeated any more.
#[test]
fn a_repair_under_way_ends_when_it_was_for_nothing() {
    let mut script = sender(Recovery::Sack);
    for end in [8001, 9001, 10_001] {
        script.send(20, blocks(1, &[(7001, end)]));
    }
    assert_eq!(script.take().len(), 5, "of seven that are late");
    script.send(30, blocks(5001, &[(1, 5001), (7001, 10_001)]));
    let now = script.tcp.snapshot();
    assert!(now.cwnd >= 10_000 && now.ssthresh.is_none(), "{now:?}");
    assert_eq!(script.tcp.stats(script.now).spurious, 1);
    script.silent(200);
}

/// As in Linux (`tcp_dsack_seen`): reports of more than was sent again are the network's duplicates.
#[test]
fn duplicates_of_the_network_prove_nothing() {
    let mut script = sender(Recovery::Sack);
    for i in 1..4 {
        script.send(20, blocks(1001, &[(1, 1001), (2001, 2001 + 1000 * i)]));
    }
    assert_eq!(script.take(), ["A 1001..2001 ack 1"], "2 is lost");
    script.send(30, blocks(10_001, &[(2001, 3001)]));
    assert_eq!(script.tcp.stats(script.now).spurious, 0);
    assert_eq!(script.tcp.snapshot().ssthresh, Some(4_000));
}

/// §4: a report within the second block is no new SACK; the sender counts it too.
#[test]
fn a_report_above_the_acknowledgment_counts() {
    let mut script = sender(Recovery::Sack);
    // 1 is lost; 2 is late, sent again, and comes twice.
    for end in [4001, 5001, 6001, 10_001] {
        script.send(20, blocks(1, &[(2001, end)]));
    }
    assert_eq!(script.take(), ["A 1..1001 ack 1", "A 1001..2001 ack 1"]);
    script.send(21, blocks(1, &[(1001, 10_001)]));
    script.send(31, blocks(1, &[(1001, 2001), (1001, 10_001)]));
    script.send(32, blocks(10_001, &[(1, 1001)]));
    assert_eq!(script.tcp.stats(script.now).spurious, 1, "both repeats");
}

/// RFC 8985 §7.4.2 case 1: the report of the probe shows that nothing was lost, though more is acknowledged
/// with it, which would else be a loss that the probe repaired.
#[test]
fn a_report_answers_the_probe_of_a_tail() {
    for (config, episodes) in [(dsack(), 0), (sack(), 1)] {
        let mut script = Script::established_with_sack(&Config { recovery: Recovery::Rack, ..config });
        script.write(4_000);
        script.take();
        script.send(20, segment(ACK, 1, 2001, 0));
        script.wait(40);
        assert_eq!(script.take(), ["A 3001..4001 ack 1"]);
        script.write(1_000);
        script.send(50, blocks(5001, &[(3001, 4001)]));
        assert_eq!(script.tcp.stats(script.now).recovery_episodes, episodes);
        assert_eq!(script.tcp.snapshot().ssthresh.is_some(), episodes > 0);
    }
}

/// RFC 8985 §6.2 step 4: reports of needless repeats make the reordering window grow until they end.
#[test]
fn reports_end_the_repeats_of_what_is_late_again_and_again() {
    let transfer = |config: &Config| {
        let mut pair = Pair::open(config);
        // Every 60th segment is late by three quarters of the round trip.
        pair.faults(|sent| {
            let late = sent.number > 20 && sent.number % 60 == 0 && sent.copy == 0;
            if late { super::Fate::Delay(ms(75)) } else { super::Fate::Pass }
        });
        pair.client.write_zeros(3_000_000);
        pair.drive_until(ms(600_000), |pair| pair.server.received() == 3_000_000);
        let late: Vec<bool> =
            pair.client_data().iter().filter(|sent| sent.1 % 60 == 0).map(|sent| sent.2 > 0).collect();
        (late.iter().filter(|again| **again).count(), late.len())
    };
    let config = Config { recovery: Recovery::Rack, window_scale: true, receive_window: 300_000, ..dsack() };
    let (grown, _) = transfer(&config);
    let (fixed, _) = transfer(&Config { dsack: false, ..config });
    assert!(fixed >= 45 && grown <= 10, "{grown} needless repeats of 50 late segments, {fixed} without");
}
