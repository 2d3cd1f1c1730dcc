//! Refusals of what real time does not have.

use super::output::Failure;
use crate::congestion::script;
use crate::scenario::{Group, Plan};

/// Refuses a plan that only virtual time can run.
pub fn of_real_time(plan: &Plan) -> Result<(), Failure> {
    datagrams(plan)?;
    captures(plan)?;
    scripts(plan)
}

/// Real time has connections only.
fn datagrams(plan: &Plan) -> Result<(), Failure> {
    let of_datagrams = |group: &&Group| group.app.directions().is_empty();
    match plan.base.groups.iter().find(of_datagrams) {
        None => Ok(()),
        Some(group) => Err(Failure::usage(
            format!("group \"{}\" sends datagrams, which do not run in real time", group.name),
            "leave --live out, or the group",
        )),
    }
}

/// Real time has tools of its own for captures.
fn captures(plan: &Plan) -> Result<(), Failure> {
    let record = &plan.base.record;
    let refusal = |what: &str, key: &str| {
        Err(Failure::usage(format!("{what} are of virtual time"), format!("leave --live out, or {key}")))
    };
    match (record.pcap.is_empty(), record.qlog) {
        (true, false) => Ok(()),
        (false, _) => refusal("captures", "record.pcap"),
        (true, true) => refusal("qlogs", "record.qlog"),
    }
}

/// No cell may have one.
fn scripts(plan: &Plan) -> Result<(), Failure> {
    let mut cells = (0..plan.cells()).filter_map(|cell| plan.scenario(cell).ok());
    if cells.any(|cell| cell.has_scripts()) {
        return Err(Failure::usage(script::LATE, "leave --live out, or name another controller"));
    }
    Ok(())
}
