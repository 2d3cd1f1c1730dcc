//! Messages on their way to the peer and not acknowledged: program 0's congestion control by message,
//! with the bounds that its README names and its code forgot.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::chat::protocol::Timing;
use crate::chat::protocol::session::Account;
use crate::time::{Duration, Instant};

const MAX_CWND: f64 = 1_024.0;

/// A message's id and its frame.
type Message = (Rc<[u8]>, Rc<[u8]>);

/// Messages in flight and those that wait behind them.
#[derive(Debug)]
pub struct Window {
    cwnd: f64,
    ssthresh: f64,
    srtt: Option<Duration>,
    rttvar: Duration,
    rto: Duration,
    timing: Timing,
    flight: VecDeque<Sent>,
    /// Messages that only show what became of those before them, and which transmission each was.
    probes: VecDeque<(Rc<[u8]>, u64)>,
    /// Number of transmissions.
    sent: u64,
    /// Time of the peer's last acknowledgment.
    heard: Instant,
    waiting: VecDeque<Message>,
    bytes: usize,
    retransmissions: u64,
}

#[derive(Debug)]
struct Sent {
    id: Rc<[u8]>,
    bytes: Rc<[u8]>,
    at: Instant,
    again: u32,
    /// Numbers of its first and its last transmission among all.
    first: u64,
    last: u64,
}

/// Conclusion from an acknowledgment about messages sent before the one that it acknowledges.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Frames that are to be sent again.
    pub again: Vec<Rc<[u8]>>,
    /// Ids of messages that the peer drops however often they are sent; they are in flight no longer.
    pub given_up: Vec<Rc<[u8]>>,
}

/// The peer has not acknowledged a message however often it was sent.
#[derive(Debug, PartialEq, Eq)]
pub struct PeerIsGone;

impl Window {
    /// An empty window.
    pub fn new(timing: Timing) -> Window {
        Window {
            cwnd: f64::from(timing.window),
            ssthresh: f64::from(timing.threshold),
            srtt: None,
            rttvar: Duration::ZERO,
            rto: timing.ack_timeout,
            timing,
            flight: VecDeque::new(),
            probes: VecDeque::new(),
            sent: 0,
            heard: Instant::ZERO,
            waiting: VecDeque::new(),
            bytes: 0,
            retransmissions: 0,
        }
    }

    /// A window whose retransmission timeout never falls below the first one. Program 0's server
    /// acknowledges a text late where its own window is blocked, and says one that comes twice twice.
    pub fn patient() -> Window {
        let timing = Timing::default();
        Window::new(Timing { min_rto: timing.ack_timeout, ..timing })
    }

    /// Takes a message to be acknowledged; [`poll`](Self::poll) gives it out when there is room.
    pub fn push(&mut self, id: Rc<[u8]>, bytes: Rc<[u8]>) {
        self.bytes += bytes.len();
        self.waiting.push_back((id, bytes));
    }

    /// The next message that may go now. It is noted before it goes: the original notes it
    /// afterwards and misses the acknowledgment of a fast peer.
    pub fn poll(&mut self, now: Instant) -> Option<Rc<[u8]>> {
        if self.flight.len() as f64 >= self.cwnd.floor() {
            return None;
        }
        let (id, bytes) = self.waiting.pop_front()?;
        self.sent += 1;
        let (first, last) = (self.sent, self.sent);
        self.flight.push_back(Sent { id, bytes: Rc::clone(&bytes), at: now, again: 0, first, last });
        Some(bytes)
    }

    /// Gives out what waits for room, to a peer that will acknowledge nothing any more.
    pub fn release(&mut self) -> impl Iterator<Item = Rc<[u8]>> {
        self.bytes = 0;
        self.flight.clear();
        self.waiting.drain(..).map(|(_, bytes)| bytes)
    }

    /// Notes a message that goes now and is never repeated, to learn by its acknowledgment what became
    /// of those before it.
    pub fn probe(&mut self, id: Rc<[u8]>) {
        self.sent += 1;
        self.probes.push_back((id, self.sent));
    }

    /// Conclusion from an acknowledgment of `id`, not handed to [`on_ack`](Self::on_ack) yet, about
    /// messages whose last transmission was before the first of `id`. For peers that acknowledge in
    /// the order of reading, from which it follows that they have dropped those.
    pub fn pass_over(&mut self, now: Instant, id: &str) -> PassedOver {
        let mut result = PassedOver::default();
        let sent = self.flight.iter().map(|sent| (&sent.id, sent.first));
        let mut all = sent.chain(self.probes.iter().map(|(id, first)| (id, *first)));
        let Some((_, first)) = all.find(|(other, _)| ***other == *id.as_bytes()) else { return result };
        for sent in self.flight.iter_mut().filter(|sent| sent.last < first) {
            if sent.again == self.timing.retransmissions {
                result.given_up.push(Rc::clone(&sent.id));
                self.bytes -= sent.bytes.len();
                continue;
            }
            self.sent += 1;
            (sent.at, sent.again, sent.last) = (now, sent.again + 1, self.sent);
            result.again.push(Rc::clone(&sent.bytes));
        }
        self.flight.retain(|sent| !result.given_up.contains(&sent.id));
        self.retransmissions += result.again.len() as u64;
        result
    }

    /// The peer has message `id`.
    pub fn on_ack(&mut self, now: Instant, id: &str) {
        if let Some(place) = self.probes.iter().position(|(probe, _)| **probe == *id.as_bytes()) {
            self.probes.drain(..=place);
            self.heard = now;
            return;
        }
        let Some(place) = self.flight.iter().position(|sent| *sent.id == *id.as_bytes()) else { return };
        let Some(sent) = self.flight.remove(place) else { return };
        self.bytes -= sent.bytes.len();
        self.heard = now;
        // Karn: what was sent twice measures nothing.
        if sent.again == 0 {
            self.sample(now.saturating_since(sent.at));
        }
        let growth = if self.cwnd < self.ssthresh { 1.0 } else { 1.0 / self.cwnd };
        self.cwnd = (self.cwnd + growth).min(MAX_CWND);
    }

    /// RFC 6298 §2, with program 0's floor.
    fn sample(&mut self, rtt: Duration) {
        let srtt = match self.srtt {
            None => {
                self.rttvar = Duration::from_nanos(rtt.as_nanos() / 2);
                rtt
            }
            Some(srtt) => {
                let off = srtt.abs_diff(rtt).as_nanos();
                self.rttvar = Duration::from_nanos((3 * self.rttvar.as_nanos() + off) / 4);
                Duration::from_nanos((7 * srtt.as_nanos() + rtt.as_nanos()) / 8)
            }
        };
        self.srtt = Some(srtt);
        let rto = Duration::from_nanos(srtt.as_nanos() + 4 * self.rttvar.as_nanos());
        self.rto = rto.max(self.timing.min_rto).min(self.timing.max_rto);
    }

    /// Time at which the oldest message has waited too long.
    pub fn timeout(&self) -> Option<Instant> {
        self.flight.iter().map(|sent| sent.at + self.rto).min()
    }

    /// Sends again what has waited too long; the same bytes. A peer that acknowledged something
    /// since a message was last sent is not gone: it serves others first.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<Vec<Rc<[u8]>>, PeerIsGone> {
        let (rto, most) = (self.rto, self.timing.retransmissions);
        let mut again = Vec::new();
        for sent in self.flight.iter_mut().filter(|sent| sent.at + rto <= now) {
            if sent.again == most && self.heard <= sent.at {
                return Err(PeerIsGone);
            }
            self.sent += 1;
            (sent.at, sent.again, sent.last) = (now, (sent.again + 1).min(most), self.sent);
            again.push(Rc::clone(&sent.bytes));
        }
        if !again.is_empty() {
            // Others follow.
            self.probes.clear();
            self.retransmissions += again.len() as u64;
            self.rto = self.rto.saturating_mul(2).min(self.timing.max_rto);
            self.ssthresh = (self.cwnd / 2.0).max(2.0);
            self.cwnd = 1.0;
        }
        Ok(again)
    }

    /// Bytes that wait for room or for their acknowledgment.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// For administrators.
    pub fn account(&self) -> Account {
        Account {
            cwnd: self.cwnd,
            ssthresh: self.ssthresh,
            rto: self.rto,
            srtt: self.srtt,
            pending: self.flight.len() + self.waiting.len(),
            retransmissions: self.retransmissions,
            state: if self.cwnd < self.ssthresh { "slow_start" } else { "congestion_avoidance" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(ms)
    }

    fn push(window: &mut Window, id: &str) {
        window.push(id.as_bytes().into(), id.as_bytes().into());
    }

    #[test]
    fn each_acknowledgment_in_slow_start_lets_two_more_go() {
        let mut window = Window::new(Timing::default());
        for id in ["a", "b", "c", "d"] {
            push(&mut window, id);
        }
        assert_eq!(window.poll(at(0)).as_deref(), Some(b"a".as_slice()));
        assert_eq!(window.poll(at(0)), None);
        window.on_ack(at(5), "a");
        assert_eq!(window.poll(at(5)).as_deref(), Some(b"b".as_slice()));
        assert_eq!(window.poll(at(5)).as_deref(), Some(b"c".as_slice()));
        assert_eq!(window.poll(at(5)), None);
        // An acknowledgment of nothing, or a second one, changes nothing.
        window.on_ack(at(6), "a");
        window.on_ack(at(6), "zzz");
        assert_eq!((window.poll(at(6)), window.bytes()), (None, 3));
    }

    #[test]
    fn a_silent_peer_is_sent_the_same_bytes_three_times_with_back_off_and_then_given_up() {
        let mut window = Window::new(Timing::default());
        push(&mut window, "a");
        window.poll(at(0));
        assert_eq!(window.timeout(), Some(at(3_000)));
        assert_eq!(window.handle_timeout(at(2_999)), Ok(vec![]));
        for due in [3_000, 9_000, 21_000] {
            assert_eq!(window.timeout(), Some(at(due)));
            assert_eq!(window.handle_timeout(at(due)), Ok(vec![b"a".as_slice().into()]));
        }
        assert_eq!(window.timeout(), Some(at(45_000)));
        assert_eq!(window.handle_timeout(at(45_000)), Err(PeerIsGone));
    }

    #[test]
    fn limits_and_intervals_are_those_that_are_set() {
        let timing = Timing {
            ack_timeout: Duration::from_millis(500),
            max_rto: Duration::from_millis(800),
            retransmissions: 1,
            window: 2,
            ..Timing::default()
        };
        let mut window = Window::new(timing);
        for id in ["a", "b", "c"] {
            push(&mut window, id);
        }
        assert!([true, true, false].iter().all(|&goes| window.poll(at(0)).is_some() == goes));
        assert_eq!(window.handle_timeout(at(500)).map(|again| again.len()), Ok(2));
        assert_eq!(window.timeout(), Some(at(1_300)));
        assert_eq!(window.handle_timeout(at(1_300)), Err(PeerIsGone));
    }

    #[test]
    fn a_peer_that_acknowledges_others_is_not_gone() {
        let mut window = Window::new(Timing::default());
        push(&mut window, "a");
        push(&mut window, "b");
        window.poll(at(0));
        window.on_ack(at(10), "a");
        push(&mut window, "c");
        assert_eq!((window.poll(at(10)).is_some(), window.poll(at(10)).is_some()), (true, true));
        for due in [1_010, 3_010, 7_010] {
            assert_eq!(window.handle_timeout(at(due)).map(|again| again.len()), Ok(2));
        }
        window.on_ack(at(8_000), "b");
        let due = window.timeout().expect("c waits");
        assert_eq!(window.handle_timeout(due), Ok(vec![b"c".as_slice().into()]));
        let due = window.timeout().expect("c waits");
        assert_eq!(window.handle_timeout(due), Err(PeerIsGone));
    }

    #[test]
    fn what_is_passed_over_is_sent_again_at_once_and_given_up_after_three_times() {
        let mut window = Window::patient();
        push(&mut window, "x");
        window.poll(at(0));
        for again in 0..4 {
            let probe = format!("p{again}");
            window.probe(probe.as_bytes().into());
            let passed = window.pass_over(at(again), &probe);
            window.on_ack(at(again), &probe);
            let (more, no_more) = (
                PassedOver { again: vec![b"x".as_slice().into()], given_up: vec![] },
                PassedOver { again: vec![], given_up: vec![b"x".as_slice().into()] },
            );
            assert_eq!(passed, if again < 3 { more } else { no_more }, "{again}");
        }
        assert_eq!((window.bytes(), window.timeout()), (0, None));
    }

    #[test]
    fn an_acknowledgment_that_may_be_of_an_earlier_transmission_says_nothing() {
        let mut window = Window::patient();
        for id in ["join", "a", "b"] {
            push(&mut window, id);
        }
        window.poll(at(0));
        window.on_ack(at(0), "join");
        assert_eq!((window.poll(at(0)).is_some(), window.poll(at(0)).is_some()), (true, true));
        // Both were sent twice, and the one sent first is acknowledged late: the order is kept.
        assert_eq!(window.handle_timeout(at(3_000)).map(|again| again.len()), Ok(2));
        assert_eq!(window.pass_over(at(3_001), "b"), PassedOver::default());
        assert_eq!(window.pass_over(at(3_001), "zzz"), PassedOver::default());
    }

    #[test]
    fn the_timeout_follows_the_round_trip_within_its_bounds_and_ignores_repeats() {
        let mut window = Window::new(Timing::default());
        push(&mut window, "a");
        window.poll(at(0));
        window.on_ack(at(10), "a");
        assert_eq!(window.account().rto, Duration::from_secs(1));
        push(&mut window, "b");
        window.poll(at(10));
        window.handle_timeout(at(1_010)).expect("once");
        assert_eq!((window.account().cwnd, window.account().ssthresh), (1.0, 2.0));
        window.on_ack(at(60_000), "b");
        assert_eq!(window.account().srtt, Some(Duration::from_millis(10)));
    }
}
