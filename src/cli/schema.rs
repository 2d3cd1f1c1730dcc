//! `testbed schema`: the keys of scenario files, for editors and for people.

use clap::Args;

use super::output::{Failure, print};
use crate::scenario::{explain, json_schema};

/// Print the JSON Schema of scenario files, or explain a key
///
/// Editors with Taplo (such as Even Better TOML) complete and check a scenario that begins with
/// `#:schema ./scenario.schema.json`, once `testbed schema > scenario.schema.json` has written that file.
#[derive(Debug, Args)]
pub struct Schema {
    /// Key to explain in words, with those below it: tcp.mss, link.NAME.delay, clients.NAME.app
    #[arg(value_name = "KEY")]
    key: Option<String>,
}

impl Schema {
    /// Prints the schema, or what a key does.
    pub fn execute(self) -> Result<(), Failure> {
        let text = match self.key {
            None => json_schema(),
            Some(key) => explain(key.trim()).map_err(|[message, help]| Failure::usage(message, help))?,
        };
        print(&text)
    }
}
