//! What a conversation comes to.

use crate::units::plural;

/// What was said and heard, over all connections.
#[derive(Debug, Default)]
pub struct Count {
    pub said: u64,
    pub heard: u64,
    /// What was typed and neither this program nor the server has done.
    pub refused: u64,
    /// What was not sent or acknowledged at the end.
    pub unsettled: u64,
    /// What was sent, and nobody knows whether the server has read it.
    pub uncertain: u64,
    /// Whether answers of the server may be missing at the end.
    pub unheard: bool,
    /// How often it was connected.
    pub connections: u32,
}

impl Count {
    /// What a script has to know that nobody has shown to be done.
    pub fn problems(&self, acknowledged: bool) -> Vec<String> {
        let known = if acknowledged { "acknowledged" } else { "sent" };
        let counts = [
            (self.refused, "rejected (see above)".to_owned()),
            (self.unsettled, format!("not {known}")),
            (self.uncertain, "sent, but not known to have arrived".to_owned()),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut problems: Vec<String> =
            counts.map(|(count, what)| format!("{} {what}", plural(count, "line"))).collect();
        if problems.is_empty() && self.unheard {
            problems
                .push("the server has not answered to the end, so a line may have been rejected".to_owned());
        }
        problems
    }
}
