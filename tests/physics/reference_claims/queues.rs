//! What the file says of queue disciplines.

use super::REFERENCE;
use crate::support::scenario;
use testbed::scenario::Scenario;

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

/// Tests of the parameters' effects are in `aqm.rs`, those of RED's beside it.
#[test]
pub fn queues_have_the_stated_parameters() {
    let law = "target = \"5ms\", interval = \"100ms\"";
    assert_eq!(with("kind = \"codel\""), with(&format!("kind = \"codel\", {law}")));
    let turns = "quantum = \"1514B\", flows = 1024, ecn = true";
    assert_eq!(with("kind = \"fq_codel\""), with(&format!("kind = \"fq_codel\", {law}, {turns}")));
    let burst = "target = \"15ms\", burst = \"150ms\"";
    assert_eq!(with("kind = \"pie\""), with(&format!("kind = \"pie\", {burst}")));
    for kind in ["codel", "pie", "red"] {
        let kind = format!("kind = \"{kind}\"");
        assert_eq!(with(&kind), with(&format!("{kind}, ecn = false")));
    }
    let (_, red) =
        REFERENCE.split_once("kind = \"red\", limit = \"400 packets\", ").expect("a queue with RED");
    let (red, _) = red.split_once(" }").expect("its end");
    assert_eq!(with("kind = \"red\""), with(&format!("kind = \"red\", {red}")));
    assert!(REFERENCE.contains(law) && REFERENCE.contains(turns) && REFERENCE.contains(burst));
}
