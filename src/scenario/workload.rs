//! What the members of a group run, in the words of the modules that run it.

pub use crate::app::bulk::{Bulk, Direction as BulkDirection};
pub use crate::chat::client::{Addressee, Arrivals, Churn, SizeDistribution, Talk};

/// What every member of a group runs.
#[derive(Clone, Debug, PartialEq)]
pub enum AppSpec {
    /// One transfer, as fast as the connection goes.
    Bulk(Bulk),
    /// A person in the chat.
    Chat(Talk),
}
