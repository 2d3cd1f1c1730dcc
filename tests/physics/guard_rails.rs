//! Warnings of a run, tried with scenarios made up for them.

use testbed::congestion::{Ack, Algorithm, CongestionController, Loss};
use testbed::engine::Halt;
use testbed::scenario::{Plan, build};

use crate::scenarios::Run;

/// One upload over a clean link, with a place for more keys at the front and in its group.
fn upload(keys: &str, tcp: &str, group: &str) -> String {
    format!(
        "{keys}\n[link.path]\nrate = \"10mbit\"\ndelay = \"20ms\"\nqueue = \"1bdp\"\n[tcp]\n{tcp}\n\
         [[clients]]\nname = \"upload\"\npath = [\"path\"]\n{group}\napp = {{ kind = \"bulk\" }}\n"
    )
}

#[test]
fn one_trial_and_no_chance_are_warned_of() {
    let one = Run::crafted(&upload("duration = \"20s\"", "", "start_spread = \"1s\""));
    one.warns("rest on one trial");
    // Clocks of hosts tick at random places; one trial tells all where nothing is random.
    Run::crafted(&upload("duration = \"20s\"", "", "")).warns("rest on one trial");
    let certain = Run::crafted(&upload("duration = \"20s\"", "tick = \"0s\"", ""));
    certain.does_not_warn("rest on one trial");
    certain.does_not_warn("nothing random touched them");
    let same = Run::crafted(&upload("duration = \"20s\"\ntrials = 3", "", ""));
    same.warns("nothing random touched them");
    let spread = Run::crafted(&upload("duration = \"20s\"\ntrials = 3", "", "start_spread = \"1s\""));
    spread.does_not_warn("nothing random touched them");
}

#[test]
fn clients_that_are_done_before_measuring_begins_are_told_from_links_that_carry_nothing() {
    let (over, blocked) = ("nothing was sent within the measured interval", "nothing arrived at all");
    let text = upload("duration = \"20s\"\nwarmup = \"10s\"", "", "");
    let done = Run::crafted(&text.replace("\"bulk\"", "\"bulk\", size = \"100kB\""));
    done.warns(over);
    done.does_not_warn(blocked);
    let pinged = Run::crafted(&text.replace("\"bulk\"", "\"ping\", count = 5, rate = \"10/s\""));
    pinged.warns(over);
    let cut = Run::crafted(&text.replace("queue =", "loss = \"100%\"\nqueue ="));
    cut.warns(blocked);
    cut.does_not_warn(over);
}

#[test]
fn an_axis_that_made_no_difference_is_named() {
    let clean = upload("duration = \"5s\"", "receive_window = \"16KiB\"", "start_spread = \"1s\"");
    // A queue that never fills is as good as a larger one; nothing before the run can tell.
    let run = Run::crafted(&(clean + "[sweep]\n\"link.path.queue\" = [\"50 packets\", \"90 packets\"]\n"));
    run.warns("queue made no difference: 50 packets and 90 packets came out equal in every figure");
}

#[test]
fn what_holds_a_flow_back_is_named() {
    let small = "receive_window = \"16KiB\"";
    Run::crafted(&upload("duration = \"20s\"", small, "")).warns("receiver's window");
    let none = format!("{small}\ncongestion = \"none\"");
    Run::crafted(&upload("duration = \"20s\"", &none, "")).does_not_warn("receiver's window");
    Run::crafted(&upload("duration = \"20s\"", "", "")).does_not_warn("receiver's window");
    let little = "send_buffer = \"4KiB\"\nmss = 1000";
    Run::crafted(&upload("duration = \"20s\"", little, "")).warns("had nothing to send");
}

#[test]
fn too_short_runs_are_warned_of() {
    Run::crafted(&upload("duration = \"10s\"\nwarmup = \"2s\"", "", "")).warns("loss episodes");
    let slow = upload("duration = \"3s\"\nwarmup = \"1s\"", "", "");
    let slow = slow.replace("10mbit", "100mbit").replace("20ms", "100ms");
    Run::crafted(&slow).warns("first slow start");
    let halved = upload("duration = \"30s\"", "", "")
        + "[[schedule]]\nat = \"20s\"\nset = { \"link.path.rate\" = \"1mbit\" }\n";
    Run::crafted(&halved).warns("last third");
}

#[test]
fn a_handshake_across_the_warm_up_spoils_no_figure() {
    let text = upload("duration = \"20s\"\nwarmup = \"2s\"", "", "")
        .replace("delay =", "loss = \"100%\"\ndelay =")
        + "[[schedule]]\nat = \"2500ms\"\nset = { \"link.path.loss\" = \"0%\" }\n";
    let run = Run::crafted(&text);
    run.within("timeouts", run.get(&[], "timeouts"), 0.0, 5.0);
    run.within("goodput", run.get(&[], "goodput_mbit"), 6.0, 10.0);
}

/// Cannot go on after its first second.
#[derive(Debug)]
struct Mortal(bool);

impl CongestionController for Mortal {
    fn cwnd(&self) -> u64 {
        20_000
    }
    fn on_ack(&mut self, ack: &Ack) {
        self.0 |= ack.now.as_secs_f64() > 1.0;
    }
    fn on_loss(&mut self, _: &Loss) {}
    fn on_timeout(&mut self, _: &Loss) {}
    fn failure(&self) -> Option<&str> {
        self.0.then_some("its time is over")
    }
}

static MORTAL: Algorithm =
    Algorithm { name: "mortal", summary: "", parameters: &[], build: |_| Box::new(Mortal(false)) };

#[test]
fn a_trial_ends_early_when_its_controller_cannot_go_on() {
    let plan = Plan::parse("mortal", &upload("duration = \"60s\"", "", ""), &[]).expect("a scenario");
    let mut cell = plan.scenario(0).expect("a cell");
    cell.groups[0].tcp.congestion = MORTAL.with_defaults();
    let mut world = build(&cell, plan.trial(0, 0));
    world.limit_memory(u64::MAX);
    let halt = world.run(&mut || true).expect_err("it cannot go on");
    assert_eq!(halt, Halt::Controller("the controller of upload-1: its time is over".to_owned()));
    assert!(world.now().as_secs_f64() < 10.0, "it ended at {:?}", world.now());
}
