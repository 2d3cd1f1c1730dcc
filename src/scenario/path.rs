//! `path`: the links that a group's packets cross, one after the other, and in what direction.

use super::problem::{Place, Problem, fails_at, suggest};
use super::tree::Node;
use super::visit::At;
use super::{LinkSpec, pace};
use crate::link::config::{Config, LossModel};
use crate::wire::Direction;

/// A link on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Index into [`Scenario::links`](super::Scenario::links).
    pub link: usize,
    /// True if what the client sends goes down the link, and what it gets goes up: the client stands at the
    /// link's other end.
    pub backwards: bool,
}

impl Hop {
    /// Settings that packets of each direction of a flow meet.
    pub fn directions(self, links: &[LinkSpec]) -> [&Config; 2] {
        self.turned(links[self.link].directions.each_ref())
    }

    /// A pair by the link's directions, turned to those of a flow.
    pub fn turned<T>(self, [up, down]: [T; 2]) -> [T; 2] {
        if self.backwards { [down, up] } else { [up, down] }
    }
}

/// Share of the packets of a direction that are lost by chance on a path; `None` where losses come in bursts.
pub(super) fn random_loss(links: &[LinkSpec], path: &[Hop], direction: Direction) -> Option<f64> {
    let kept = |hop: &Hop| match hop.directions(links)[direction.index()].loss {
        LossModel::Independent(loss) => Some(1.0 - loss.as_f64()),
        LossModel::GilbertElliott { .. } => None,
    };
    Some(1.0 - path.iter().map(kept).product::<Option<f64>>()?)
}

/// Mark before the name of a link that is crossed backwards.
pub(super) const BACKWARDS: char = '<';

/// The hop count of a packet is a byte, and longer paths are mistakes.
const MOST_HOPS: usize = 64;

/// The links that a path names, up to the server.
pub(super) fn resolve(
    At { place, value: names }: At<Vec<At<String>>>,
    server: Option<At<String>>,
    root: &Node,
    links: &[LinkSpec],
    problems: &mut Vec<Problem>,
) -> Vec<Hop> {
    let fails = |place| fails_at(problems, place);
    // Links that could not be read have no names, and delays that could not be read count as none: neither
    // is another mistake.
    let named = !root
        .entries()
        .iter()
        .any(|entry| fails(entry.place) || entry.key == "link" && fails(entry.node.place));
    let readable = !root.get("link").is_some_and(|links| links.is_faulty(problems));
    let (mut path, named_hops): (Vec<Hop>, usize) = (vec![], names.len());
    for At { place, value: said } in names {
        let name = said.strip_prefix(BACKWARDS).unwrap_or(&said);
        let backwards = name.len() < said.len();
        match links.iter().position(|link| link.name == name) {
            Some(link) if path.iter().any(|hop| hop.link == link) => {
                let message = format!("the path crosses link \"{name}\" twice");
                let help = "name each link once, from client to server";
                problems.push(Problem::error(place, message, help));
            }
            Some(link) if backwards && links[link].per_client => {
                let message = format!("each client has link \"{name}\" for itself, and no other end of it");
                let help = "leave out the `<`, and exchange what is `up` and `down` in the link";
                problems.push(Problem::error(place, message, help));
            }
            Some(link) => path.push(Hop { link, backwards }),
            None if !named || fails_at(problems, place) => {}
            None => {
                let message = format!("there is no link \"{name}\"");
                let help = if links.is_empty() {
                    format!("describe it in [link.{name}]")
                } else {
                    suggest(name, links.iter().map(|link| link.name.as_str()))
                };
                problems.push(Problem::error(place, message, help));
            }
        }
    }
    if let Some(At { place, value: name }) = server
        && path.len() == named_hops
    {
        end(&mut path, &name, place, links, problems);
    }
    if path.len() > MOST_HOPS {
        let message = format!("the path has {} links", path.len());
        problems.push(Problem::error(place, message, format!("at most {MOST_HOPS} links make a path")));
    } else if readable && !path.is_empty() && pace::stands_still(links, &path) {
        let message = "nothing on this path takes time: there is neither a delay nor a rate";
        let help = "give one of its links a `delay` or a `rate`";
        problems.push(Problem::error(place, message, help));
    }
    path
}

/// Cuts a path behind the link `name`, where the server stands.
fn end(path: &mut Vec<Hop>, name: &str, place: Place, links: &[LinkSpec], problems: &mut Vec<Problem>) {
    if let Some(last) = path.iter().position(|hop| links[hop.link].name == name) {
        path.truncate(last + 1);
    } else if !path.is_empty() && !fails_at(problems, place) {
        let message = format!("the server cannot stand behind \"{name}\", which the path does not cross");
        let on_path: Vec<&str> = path.iter().map(|hop| links[hop.link].name.as_str()).collect();
        problems.push(Problem::error(place, message, suggest(name, on_path)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, plan, refused, scenario, with};

    #[test]
    fn paths_name_links_once_each() {
        refused(
            &with("[\"bottleneck\"]", "[\"botleneck\"]"),
            19,
            "\"botleneck\"",
            "no link \"botleneck\"",
            "did you mean `bottleneck`?",
        );
        refused(&with("[\"bottleneck\"]", "[]"), 19, "[]", "the path is empty", "[\"bottleneck\"]");
        let text = with("[\"bottleneck\"]", "[\"access\", \"bottleneck\", \"access\"]");
        refused(&text, 19, "\"access\"", "crosses link \"access\" twice", "once");
        let alone =
            "duration = \"1s\"\n[[clients]]\nname = \"x\"\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n";
        refused(alone, 4, "\"wire\"", "no link \"wire\"", "describe it in [link.wire]");
    }

    #[test]
    fn a_path_must_take_time() {
        let text =
            and("[link.void]\n[[clients]]\nname = \"x\"\npath = [\"void\"]\napp = { kind = \"bulk\" }\n");
        refused(&text, 24, "[\"void\"]", "nothing on this path takes time", "`delay` or a `rate`");
    }

    #[test]
    fn a_path_crosses_a_link_backwards_behind_a_mark() {
        let text = with("[\"bottleneck\"]", "[\"<bottleneck\"]");
        let scenario =
            scenario(&text.replace("rate = \"10mbit\"", "rate = \"10mbit\"\nup = { loss = \"2%\" }"));
        let [up, down] = &scenario.links[1].directions;
        assert_ne!(up, down);
        assert_eq!(scenario.groups[1].path[0].directions(&scenario.links), [down, up]);
        let twice = with("[\"bottleneck\"]", "[\"<bottleneck\", \"bottleneck\"]");
        refused(&twice, 19, "\"bottleneck\"", "crosses link \"bottleneck\" twice", "once");
        let help = "did you mean `bottleneck`?";
        let own = text.replace("[link.bottleneck]", "[link.bottleneck]\nper_client = true");
        refused(&own, 20, "\"<bottleneck\"", "each client has link \"bottleneck\" for itself", "exchange");
        let unknown = with("[\"bottleneck\"]", "[\"<botleneck\"]");
        refused(&unknown, 19, "\"<botleneck\"", "no link \"botleneck\"", help);
    }

    #[test]
    fn a_server_stands_behind_a_link_of_the_path() {
        let long = with("[\"bottleneck\"]", "[\"access\", \"bottleneck\"]");
        let at = |link: &str| long.replace("name = \"people\"", &format!("name = \"people\"\nat = {link}"));
        let short = with("[\"bottleneck\"]", "[\"access\"]");
        assert_eq!(scenario(&at("\"access\"")), scenario(&short));
        assert_eq!(scenario(&at("\"bottleneck\"")), scenario(&long), "the last link is the default");
        let unknown = "cannot stand behind \"acces\"";
        refused(&at("\"acces\""), 19, "\"acces\"", unknown, "did you mean `access`?");
        let aside = with("[\"bottleneck\"]", "[\"bottleneck\"]\nat = \"access\"");
        refused(&aside, 20, "\"access\"", "cannot stand behind \"access\"", "bottleneck");
        refused(&at("\"<access\""), 19, "\"<access\"", "is no name", "letters, digits");
        // A server that nothing takes time to reach.
        let void =
            at("\"void\"").replace("at = \"void\"\npath = [\"access\"", "at = \"void\"\npath = [\"void\"");
        let void = void + "[link.void]\n";
        refused(&void, 20, "[\"void\", \"bottleneck\"]", "nothing on this path takes time", "");
        let axis = format!("{long}[sweep]\n\"clients.people.at\" = [\"access\", \"bottleneck\"]\n");
        assert_eq!(plan(&axis).cells(), 2);
    }
}
