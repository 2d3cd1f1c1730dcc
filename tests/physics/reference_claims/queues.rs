//! Queues, and controllers that count marks.

use super::REFERENCE;
use crate::support::scenario;
use testbed::scenario::{Plan, Scenario};

fn with(queue: &str) -> Scenario {
    scenario(&format!(
        "duration = \"9s\"\n[link.a]\ndelay = \"1ms\"\nrate = \"1mbit\"\nqueue = {{ {queue} }}\n\
         [[clients]]\nname = \"u\"\npath = [\"a\"]\nclass = 2\napp = {{ kind = \"bulk\" }}\n"
    ))
}

#[test]
pub fn classes_are_one_two_and_three_by_default() {
    for kind in ["prio", "drr"] {
        let kind = format!("kind = \"{kind}\"");
        assert_eq!(with(&kind), with(&format!("{kind}, classes = [1, 2, 3]")));
    }
    let queue = |text: &str| with(text).links[0].directions[0].queue.clone();
    assert_eq!(queue("kind = \"drr\", weights = [4]"), queue("kind = \"drr\", weights = [4, 1, 1]"));
    assert_ne!(queue("kind = \"drr\", weights = [4]"), queue("kind = \"drr\""));
}

/// `dctcp` and `prague` need accurate ECN: it is their default, and anything else is an error with a mend.
#[test]
pub(super) fn controllers_of_marks_begin_with_accurate_ecn() {
    let text = |keys: &str| {
        format!(
            "duration = \"9s\"\n[link.a]\ndelay = \"1ms\"\n[[clients]]\nname = \"u\"\npath = [\"a\"]\n\
             app = {{ kind = \"bulk\" }}\n{keys}\n"
        )
    };
    for controller in ["dctcp", "prague"] {
        let with = |more: &str| text(&format!("congestion = \"{controller}\"\n{more}"));
        assert_eq!(scenario(&with("")), scenario(&with("ecn = \"accecn\"")));
        for mode in ["off", "classic"] {
            let error = Plan::parse("x", &with(&format!("ecn = \"{mode}\"")), &[]).expect_err("refused");
            let shown = error.render(false);
            assert!(shown.contains("counts marks") && shown.contains("ecn = \"accecn\""), "{shown}");
        }
    }
    let table = "[congestion.prague]\nrtt_virt = 25\nrtt_transition = 4";
    let (said, silent) =
        (text(&format!("congestion = \"prague\"\n{table}")), text("congestion = \"prague\""));
    assert_eq!(scenario(&said), scenario(&silent));
    assert_ne!(scenario(&silent), scenario(&text("congestion = \"reno\"")));
}

/// Tests of the parameters' effects are in `aqm.rs`, those of RED's beside it.
#[test]
pub fn queues_have_the_stated_parameters() {
    let law = "target = \"5ms\", interval = \"100ms\"";
    assert_eq!(with("kind = \"codel\""), with(&format!("kind = \"codel\", {law}")));
    let turns = "quantum = \"1514B\", flows = 1024, ecn = true, ce_threshold = \"0s\"";
    assert_eq!(with("kind = \"fq_codel\""), with(&format!("kind = \"fq_codel\", {law}, {turns}")));
    let burst = "target = \"15ms\", burst = \"150ms\"";
    assert_eq!(with("kind = \"pie\""), with(&format!("kind = \"pie\", {burst}")));
    for kind in ["codel", "pie", "red"] {
        let kind = format!("kind = \"{kind}\"");
        assert_eq!(with(&kind), with(&format!("{kind}, ecn = false")));
    }
    for head in ["kind = \"red\", limit = \"400 packets\"", "kind = \"dualpi2\", limit = \"10000 packets\""] {
        let (_, said) = REFERENCE.split_once(&format!("{head}, ")).expect("such a queue");
        let (said, _) = said.split_once(" }").expect("its end");
        assert_eq!(with(head), with(&format!("{head}, {said}")));
    }
    assert!(REFERENCE.contains(law) && REFERENCE.contains(turns) && REFERENCE.contains(burst));
}
