//! Real sockets and the wall clock. What stands below knows nothing of either: the same room and
//! the same dialects serve synthetic clients in a world and people on a network.

pub mod admin;
pub mod client;
pub mod clock;
pub mod connect;
pub mod gateway;
pub mod lateness;
pub mod probe;
pub mod proxy;
pub mod server;
pub mod site;
pub mod socket;
pub mod splice;
pub mod store;
pub mod tls;
pub mod trial;
