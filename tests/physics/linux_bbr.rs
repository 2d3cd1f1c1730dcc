//! BBR v1 on Linux and here: `docs/data/kernel_tcp.csv`.

use crate::support::{over_seeds, run, upload};

/// 10 Mbit/s, 20 ms and a queue of 17 packets: Linux's receiver gathers selective acknowledgments, so that samples of
/// the bandwidth after a loss are up to 3 % too large and the queue is longer than the sender meant: Linux's mean
/// smoothed round trip is 33.7 ms at 1 % loss
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

/// 100 Mbit/s, 100 ms, 833 packets and 5 % loss: lost segments hold two to three megabytes behind them, so that a send
/// buffer of Linux (`tcp_wmem`, 4 MiB, of which 4 MB are data) runs empty before the window does. Linux delivers 75.2 Mbit/s
/// (72.5 to 75.4), and 87.0 with 64 MiB (a run).
#[test]
fn the_send_buffer_limits_bbr_where_much_is_lost() {
    let goodput = |send_buffer: &str| {
        let text = format!(
            "duration = \"33s\"\nwarmup = \"3s\"\n[record]\ntrials = \"none\"\n\
             [tcp]\ncongestion = \"bbr\"\nreceive_window = \"32MiB\"\nsend_buffer = \"{send_buffer}\"\n\
             [link.neck]\nrate = \"100mbit\"\nqueue = \"833 packets\"\ndelay = \"50ms\"\n\
             up = {{ loss = \"5%\" }}\n\
             [[clients]]\nname = \"bulk\"\npath = [\"neck\"]\napp = {{ kind = \"bulk\" }}\n"
        );
        let seen = over_seeds(3, |seed| upload(&run(&text, seed), 0).bytes_delivered as f64 * 8e-6 / 30.0);
        seen.iter().sum::<f64>() / seen.len() as f64
    };
    let [small, large] = ["4MB", "64MiB"].map(goodput);
    assert!((small / 75.2 - 1.0).abs() < 0.10, "{small} Mbit/s");
    assert!((large / 87.0 - 1.0).abs() < 0.10, "{large} Mbit/s");
}
