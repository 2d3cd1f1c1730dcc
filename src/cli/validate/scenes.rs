//! Scenarios of the cells.

use super::grids::{Grid, Row, controller, number};

/// Buffers of the measured host: 32 MiB of receive window (`net.ipv4.tcp_rmem`), and 4 MiB of send buffer
/// (`net.ipv4.tcp_wmem`), of which buffer heads take a twentieth, as measured.
const BUFFERS: &str = "receive_window = \"32MiB\"\nsend_buffer = \"4MB\"\n";

/// Time, in microseconds, that each way through the measuring emulator takes beside its delay: the median handshake that
/// lost nothing took 100.19 ms at 100 ms (`kernel_short_transfers.csv`).
const RIG: f64 = 95.0;

/// One way of a path on which Linux was measured, in microseconds.
pub(super) fn one_way(row: &Row) -> f64 {
    number(row, "rtt_ms") * 500.0 + RIG
}

/// A bulk transfer over a path with loss and, where the row has one, a bottleneck.
pub(super) fn bulk(grid: &Grid, row: &Row) -> String {
    let neck = match (number(row, "rate_mbit"), number(row, "queue_pkts")) {
        (0.0, _) => String::new(),
        (rate, queue) => format!("rate = \"{rate}mbit\"\nqueue = \"{queue} packets\"\n"),
    };
    format!(
        "{}{BUFFERS}[link.path]\n{neck}delay = \"{}us\"\nup = {{ loss = \"{}%\" }}\ndown = {{ loss = \"{}%\" }}\n\
         [[clients]]\nname = \"bulk\"\npath = [\"path\"]\napp = {{ kind = \"bulk\" }}\n",
        head(grid, 3, controller(row)),
        one_way(row),
        number(row, "loss") * 100.0,
        number(row, "ack_loss") * 100.0,
    )
}

/// The same as ns-3 has it: loss behind the bottleneck, whose queue does not count the packet that is sent.
pub(super) fn behind_bottleneck(grid: &Grid, row: &Row) -> String {
    format!(
        "{}[link.bottleneck]\nrate = \"10mbit\"\nqueue = \"{} packets\"\ndelay = \"{}us\"\n\
         [link.receiver]\nup = {{ loss = \"{}%\" }}\n\
         [[clients]]\nname = \"bulk\"\npath = [\"bottleneck\", \"receiver\"]\napp = {{ kind = \"bulk\" }}\n",
        head(grid, 0, controller(row)),
        number(row, "queue_pkts") + 1.0,
        number(row, "rtt_ms") * 500.0,
        number(row, "loss") * 100.0,
    )
}

/// BBR and CUBIC on one bottleneck.
pub(super) fn beside_cubic(grid: &Grid, row: &Row) -> String {
    let group = |name: &str| {
        format!(
            "[[clients]]\nname = \"{name}\"\npath = [\"neck\"]\nstart_spread = \"1s\"\n\
             tcp = {{ congestion = \"{name}\" }}\napp = {{ kind = \"bulk\" }}\n"
        )
    };
    format!(
        "{}{BUFFERS}[link.neck]\nrate = \"{}mbit\"\nqueue = \"{} packets\"\ndelay = \"{}us\"\n{}{}",
        head(grid, 10, "bbr"),
        number(row, "rate_mbit"),
        number(row, "queue_pkts"),
        one_way(row),
        group("bbr"),
        group("cubic"),
    )
}

/// Head of a scenario, up to the settings of TCP.
pub(super) fn head(grid: &Grid, lead_in: u32, congestion: &str) -> String {
    format!(
        "duration = \"{}s\"\nwarmup = \"{lead_in}s\"\ntrials = 1000\n[record]\ntrials = \"none\"\n\
         [tcp]\ncongestion = \"{congestion}\"\n{}\n",
        grid.seconds + lead_in,
        grid.tcp,
    )
}
