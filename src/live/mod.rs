//! Real sockets and the wall clock. What stands below knows nothing of either: the same room and
//! the same dialects serve synthetic clients in a world and people on a network.

pub mod admin;
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod connect;
pub mod gateway;
pub(crate) mod lateness;
pub(crate) mod probe;
pub mod proxy;
pub mod server;
pub(crate) mod site;
pub(crate) mod socket;
pub mod splice;
pub(crate) mod store;
pub(crate) mod tls;
pub(crate) mod trial;
pub mod web;
