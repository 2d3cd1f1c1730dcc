//! `app`: the workloads of members of a group. Each is a file here, which declares its keys and names its
//! applications, and a line of the table; nothing else of the house names one.

mod bulk;
mod chat;
mod incast;
mod laws;
mod ping;
mod udp;
mod video;
mod voip;
mod web;

use super::build::Stage;
use super::visit::{Visitor, required};
use super::{Group, LinkSpec, links};
use crate::app::App;
use crate::facts::{Direction, Measure};
use crate::time::Duration;
use crate::units::{Bytes, Rate};

pub use crate::app::bulk::{Bulk, Direction as BulkDirection};
pub use crate::app::incast::Incast;
pub use crate::app::ping::Ping;
pub use crate::app::web::Web;
pub use crate::chat::client::Talk;
pub use udp::Udp;
pub use video::Video;
pub use voip::Voip;

/// A workload, as its file declares it.
pub(super) trait Declared: Clone + PartialEq {
    /// Value of `app.kind`.
    const NAME: &'static str;
    /// Sentence for `testbed list`.
    const SUMMARY: &'static str;

    /// Its keys at their defaults.
    fn usual() -> Self;

    /// Declares its keys.
    fn keys<V: Visitor>(v: &mut V, app: &mut Self);

    /// Its measures.
    fn measures(&self) -> &'static [Measure];

    /// Directions that carry data over connections, the first of which `[[drop]]` means if it names none.
    fn directions(&self) -> &'static [Direction];

    /// Directions of its datagrams.
    fn datagrams(&self) -> &'static [Direction] {
        &[]
    }

    /// Most that a member may send.
    fn demand(&self) -> Demand;

    /// The application on the client's host.
    fn client(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Box<dyn App>;

    /// The application at the other end; `None` for the chat's server, which is everybody's.
    fn server(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Option<Box<dyn App>>;

    /// True if it draws lots.
    fn is_random(&self) -> bool;

    /// Mean time between two things of a member of which each has a row in a table.
    fn record_interval(&self) -> Option<Duration> {
        None
    }

    /// Connections that a member has open at once.
    fn connections(&self) -> u64 {
        1
    }

    /// Puts keys at their defaults that have no effect on so many members.
    fn normalise(&mut self, _count: u32) {}
}

/// Member of a group, as its workload sees it.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its name: that of its first flow.
    pub name: &'a str,
    /// Its path without load.
    pub path: IdlePath,
}

/// A path without load, as it is at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdlePath {
    /// Round trip without queues.
    pub rtt: Duration,
    /// Rate of the slowest link each way; `None` where nothing has a rate.
    pub rates: [Option<Rate>; 2],
    /// Payload of a full segment, and bytes of its headers.
    pub segment: (u64, u64),
}

/// Most that a member may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// As much as its connection takes, up to a size if there is one.
    Greedy(Option<Bytes>),
    /// So many packets a second.
    Paced(f64),
    /// Little.
    Light,
}

/// A line of the table of workloads.
#[derive(Debug)]
pub struct Workload {
    /// Value of `app.kind`.
    pub name: &'static str,
    /// Sentence for `testbed list`.
    pub summary: &'static str,
    /// Its keys at their defaults.
    usual: fn() -> AppSpec,
}

/// Makes the enum of workloads, their table, and the calls of what each declares.
macro_rules! workloads {
    ($($(#[$doc:meta])* $variant:ident),+ $(,)?) => {
        /// Workload of every member of a group.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AppSpec {
            $($(#[$doc])* $variant($variant)),+
        }

        /// Every workload, the default first.
        pub const WORKLOADS: &[Workload] = &[$(Workload {
            name: <$variant as Declared>::NAME,
            summary: <$variant as Declared>::SUMMARY,
            usual: || AppSpec::$variant(Declared::usual()),
        }),+];

        impl AppSpec {
            /// Value of `app.kind`.
            pub fn name(&self) -> &'static str {
                match self { $(AppSpec::$variant(_) => <$variant as Declared>::NAME),+ }
            }

            /// Measures of the workload.
            pub fn measures(&self) -> &'static [Measure] {
                match self { $(AppSpec::$variant(app) => app.measures()),+ }
            }

            /// Directions that carry data over connections, the first of which `[[drop]]` means if it names none.
            pub fn directions(&self) -> &'static [Direction] {
                match self { $(AppSpec::$variant(app) => app.directions()),+ }
            }

            /// Directions of its datagrams.
            pub fn datagrams(&self) -> &'static [Direction] {
                match self { $(AppSpec::$variant(app) => app.datagrams()),+ }
            }

            /// Most that a member may send.
            pub fn demand(&self) -> Demand {
                match self { $(AppSpec::$variant(app) => app.demand()),+ }
            }

            /// True if it draws lots.
            pub fn is_random(&self) -> bool {
                match self { $(AppSpec::$variant(app) => app.is_random()),+ }
            }

            /// Mean time between two things of a member of which each has a row in a table.
            pub fn record_interval(&self) -> Option<Duration> {
                match self { $(AppSpec::$variant(app) => app.record_interval()),+ }
            }

            /// Connections that a member has open at once.
            pub fn connections(&self) -> u64 {
                match self { $(AppSpec::$variant(app) => app.connections()),+ }
            }

            pub(super) fn client(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Box<dyn App> {
                match self { $(AppSpec::$variant(app) => Declared::client(app, stage, member)),+ }
            }

            pub(super) fn server(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Option<Box<dyn App>> {
                match self { $(AppSpec::$variant(app) => Declared::server(app, stage, member)),+ }
            }

            pub(super) fn normalise(&mut self, count: u32) {
                match self { $(AppSpec::$variant(app) => app.normalise(count)),+ }
            }

            fn declare<V: Visitor>(&mut self, v: &mut V) {
                match self { $(AppSpec::$variant(app) => Declared::keys(v, app)),+ }
            }
        }
    };
}

workloads! {
    /// One transfer, as fast as the connection goes.
    Bulk,
    /// A person in the chat.
    Talk,
    /// Echo requests, whose round trips are measured.
    Ping,
    /// A stream of datagrams.
    Udp,
    /// The same, as speech.
    Voip,
    /// Requests and their answers.
    Web,
    /// Parts of blocks from many servers at once.
    Incast,
    /// Chunks of video, and their playback.
    Video,
}

impl Workload {
    /// Its measures, if every key is at its default.
    pub fn measures(&self) -> &'static [Measure] {
        (self.usual)().measures()
    }
}

impl Default for AppSpec {
    fn default() -> AppSpec {
        (WORKLOADS[0].usual)()
    }
}

impl AppSpec {
    /// True if the workload has a measure.
    pub fn measures_a(&self, measure: Measure) -> bool {
        self.measures().contains(&measure)
    }

    /// A person's manner of talking, if it is one.
    pub fn talk(&self) -> Option<&Talk> {
        match self {
            AppSpec::Talk(talk) => Some(talk),
            _ => None,
        }
    }
}

impl IdlePath {
    pub(super) fn of(links: &[LinkSpec], group: &Group) -> IdlePath {
        let slowest = |direction: Direction| {
            group.path.iter().filter_map(|hop| hop.directions(links)[direction.index()].rate).min()
        };
        let headers = if group.tcp.timestamps { 52 } else { 40 };
        IdlePath {
            rtt: links::base_rtt(links, &group.path),
            rates: Direction::BOTH.map(slowest),
            segment: (group.tcp.mss.into(), headers),
        }
    }
}

/// Declares the keys of `app`.
pub(super) fn keys(v: &mut impl Visitor, app: &mut AppSpec) {
    let variants: Vec<(&str, AppSpec)> = WORKLOADS.iter().map(|line| (line.name, (line.usual)())).collect();
    v.tag(required("kind"), app, &variants, "the workload; `testbed list workloads` names them", |v, app| {
        app.declare(v);
    });
}

/// The words for the two ways of data.
const WAYS: &[(&str, BulkDirection)] = &[("up", BulkDirection::Up), ("down", BulkDirection::Down)];

/// The one direction in which data flows.
fn one_way(direction: BulkDirection) -> &'static [Direction] {
    match direction {
        BulkDirection::Up => &[Direction::Up],
        BulkDirection::Down => &[Direction::Down],
    }
}

/// Most bytes of data in a datagram: a packet of 9000, as many Ethernets take.
const MOST_PAYLOAD: u64 = 8972;
