//! BBR v1 on Linux and here: `docs/data/kernel_tcp.csv`, 10 Mbit/s, 20 ms and a queue of 17 packets.

use crate::support::{over_seeds, run, upload};

/// Linux's receiver gathers selective acknowledgments, so that samples of the bandwidth after a loss are up to 3 % too
/// large and the queue is longer than the sender meant: Linux's mean smoothed round trip is 33.7 ms at 1 % loss
/// and 27.0 ms at 5 %. With `tcp_comp_sack_nr = 0` at the receiver, Linux 6.18 had 30.1 and 24.2 ms.
#[test]
fn compressed_acknowledgments_lengthen_the_queue_of_bbr() {
    for (loss, linux, without) in [(1, 33.7, 30.1), (5, 27.0, 24.2)] {
        let srtt = |compressed: bool| {
            let text = format!(
                "duration = \"33s\"\nwarmup = \"3s\"\n[record]\ntrials = \"none\"\n\
                 [tcp]\ncongestion = \"bbr\"\nsack_compression = {compressed}\n\
                 [link.neck]\nrate = \"10mbit\"\nqueue = \"17 packets\"\ndelay = \"10ms\"\n\
                 up = {{ loss = \"{loss}%\" }}\n\
                 [[clients]]\nname = \"bulk\"\npath = [\"neck\"]\napp = {{ kind = \"bulk\" }}\n"
            );
            let seen = over_seeds(6, |seed| {
                upload(&run(&text, seed), 0).srtt_mean.expect("a round trip").as_millis_f64()
            });
            seen.iter().sum::<f64>() / seen.len() as f64
        };
        let [with, instead] = [true, false].map(srtt);
        assert!((with / linux - 1.0).abs() < 0.06, "{loss} %: {with} ms, Linux {linux}");
        assert!((instead / without - 1.0).abs() < 0.06, "{loss} %: {instead} ms, Linux without {without}");
    }
}
