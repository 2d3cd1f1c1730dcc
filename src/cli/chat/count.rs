//! Totals of a conversation.

use crate::units::plural;

/// Messages sent and heard, over all connections.
#[derive(Debug, Default)]
pub struct Count {
    pub said: u64,
    pub heard: u64,
    /// Lines that neither this program nor the server has accepted.
    pub refused: u64,
    /// Messages that were not sent or acknowledged at the end.
    pub unsettled: u64,
    /// Messages that were sent, and perhaps not read by the server.
    pub uncertain: u64,
    /// True if answers of the server may be missing at the end.
    pub unheard: bool,
    /// Number of connections made.
    pub connections: u32,
}

impl Count {
    /// Problems that a script must know of: requests that nothing shows to be done, and files that failed.
    pub fn problems(&self, acknowledged: bool, files: u64) -> Vec<String> {
        let known = if acknowledged { "acknowledged" } else { "sent" };
        let counts = [
            (self.refused, "rejected (see above)".to_owned()),
            (self.unsettled, format!("not {known}")),
            (self.uncertain, "sent, but not known to have arrived".to_owned()),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut problems: Vec<String> =
            counts.map(|(count, what)| format!("{} {what}", plural(count, "line"))).collect();
        if files > 0 {
            problems.push(format!("{} not sent or not taken", plural(files, "file")));
        }
        if problems.is_empty() && self.unheard {
            problems
                .push("the server has not answered to the end, so a line may have been rejected".to_owned());
        }
        problems
    }
}
