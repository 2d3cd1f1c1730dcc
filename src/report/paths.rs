//! Drawing of a scenario's paths: groups of clients, the links that they cross, and their servers, from top to bottom. Each
//! group has a lane; what a link does stands beside it.

use maud::{Markup, html};

use super::plot::{px, wrapped};
use crate::scenario::{GroupPlace, Topology};

/// Width on a page and on paper, and on a telephone, in pixels.
const WIDTHS: [(&str, i32); 2] = [("wide", 680), ("narrow", 340)];

const TEXT: f64 = 14.0;
const LINE: i32 = 19;
/// Space below a row.
const GAP: i32 = 14;
/// Distance of lanes, and that of many.
const LANE: i32 = 24;
const CLOSE_LANE: i32 = 14;
const MANY_LANES: usize = 6;
const MARGIN: i32 = 14;
/// Most lines of one text.
const MOST_LINES: usize = 6;

/// The figure with its caption; the same drawing in two widths, of which style sheets show one.
pub fn figure(topology: &Topology, number: usize) -> Markup {
    html! {
        figure.paths {
            @for (class, width) in WIDTHS { (drawing(topology, class, width)) }
            figcaption {
                b { "Figure " (number) "." }
                " Paths from the clients (circles) to their servers (squares). Arrows show the way from a client to its \
                 server. Beside a link, up and down are its own directions; a hollow arrow marks a link that is crossed \
                 backwards, against them. Delays are one way. Where several values stand, cells differ in them."
            }
        }
    }
}

/// A group's lane: between these slots, of which slot n is above the nth link of the drawing.
struct Lane<'a> {
    group: &'a GroupPlace,
    slots: [usize; 2],
    /// True if the clients stand below.
    turned: bool,
    /// Its links, if they follow one another in another order than they are drawn in.
    disorder: Option<String>,
    x: i32,
    /// Places of its ends.
    ends: [i32; 2],
}

impl Lane<'_> {
    /// Sets the place of its clients or of its servers.
    fn end(&mut self, of_clients: bool, y: i32) {
        self.ends[usize::from(self.turned == of_clients)] = y;
    }
}

/// A row of the drawing.
enum Row {
    Clients(usize),
    Servers(Vec<usize>),
    Link(usize),
}

/// A row with its place and its texts, the first of which is its name.
struct Placed {
    row: Row,
    y: i32,
    height: i32,
    lines: Vec<String>,
}

fn drawing(topology: &Topology, class: &str, width: i32) -> Markup {
    let order = order(topology);
    let (mut lanes, count) = lanes(topology, &order);
    let distance = if count > MANY_LANES { CLOSE_LANE } else { LANE };
    for lane in &mut lanes {
        lane.x = MARGIN + lane.x * distance;
    }
    let left = MARGIN + i32::try_from(count).unwrap_or(0) * distance + 4;
    let mut y = GAP / 2;
    let mut placed: Vec<Placed> = Vec::new();
    for row in rows(&lanes, &order) {
        let lines = lines(topology, &lanes, &row, width - left);
        let height = i32::try_from(lines.len()).unwrap_or(1) * LINE;
        placed.push(Placed { row, y, height, lines });
        y += height + GAP;
    }
    for Placed { row, y, .. } in &placed {
        let middle = y + LINE / 2;
        match row {
            Row::Clients(lane) => lanes[*lane].end(true, middle),
            Row::Servers(of) => of.iter().for_each(|lane| lanes[*lane].end(false, middle)),
            Row::Link(_) => {}
        }
    }
    html! {
        svg class=(class) xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {y}")) width=(width)
            height=(y) role="img" aria-label="paths from clients to servers" {
            @for lane in &lanes { (line("lane", lane.x, lane.ends)) }
            @for placed in &placed {
                @match &placed.row {
                    Row::Clients(lane) => {
                        circle.host cx=(lanes[*lane].x) cy=(placed.y + LINE / 2) r="6" {}
                    }
                    Row::Servers(of) => {
                        @for lane in of {
                            rect.host x=(lanes[*lane].x - 6) y=(placed.y + LINE / 2 - 6) width="12" height="12" {}
                        }
                    }
                    Row::Link(link) => (pipe(topology, *link, &lanes, placed, (distance / 2 - 1).min(8))),
                }
                @for (n, text) in (0..).zip(&placed.lines) {
                    text.name[n == 0 && matches!(placed.row, Row::Link(_))] x=(left) y=(placed.y + n * LINE + 14) {
                        (text)
                    }
                }
            }
        }
    }
}

fn line(class: &str, x: i32, [from, to]: [i32; 2]) -> Markup {
    html! { line class=(class) x1=(x) y1=(from) x2=(x) y2=(to) {} }
}

/// A link across the lanes that cross it: one box for all, or one for each if each client has its own. Other lanes pass in
/// front of it.
fn pipe(topology: &Topology, link: usize, lanes: &[Lane<'_>], placed: &Placed, half: i32) -> Markup {
    let (top, bottom) = (placed.y - 2, placed.y + placed.height + 2);
    let crossing = |lane: &&Lane<'_>| lane.group.path.iter().any(|(other, _)| *other == link);
    let xs: Vec<i32> = lanes.iter().filter(crossing).map(|lane| lane.x).collect();
    let boxes: Vec<(i32, i32)> = match (xs.iter().min(), xs.iter().max()) {
        _ if topology.links[link].per_client => xs.iter().map(|x| (*x, *x)).collect(),
        (Some(least), Some(most)) => vec![(*least, *most)],
        _ => Vec::new(),
    };
    let passes = |lane: &&Lane<'_>| !crossing(lane) && lane.ends[0] < top && lane.ends[1] > bottom;
    html! {
        @for (from, to) in boxes {
            rect.pipe x=(from - half) y=(top) width=(to - from + 2 * half) height=(bottom - top) rx=(half - 1) {}
        }
        @for lane in lanes.iter().filter(passes) {
            (line("halo", lane.x, [top - 2, bottom + 2]))
            (line("lane", lane.x, [top - 2, bottom + 2]))
        }
        @for lane in lanes.iter().filter(crossing) {
            @let backwards = lane.group.path.contains(&(link, true));
            @let (x, middle, tip) = (lane.x, i32::midpoint(top, bottom), if lane.turned { -5 } else { 5 });
            path.host.hollow[backwards] d=(format!("M{} {}h8l-4 {}z", x - 4, middle - tip, 2 * tip)) {}
        }
    }
}

/// The links from top to bottom: each below those that packets up cross before it, as far as paths agree.
fn order(topology: &Topology) -> Vec<usize> {
    let pairs = topology.groups.iter().flat_map(|group| group.path.windows(2));
    let edges: Vec<(usize, usize)> = pairs
        .filter_map(|pair| match (pair[0], pair[1]) {
            ((above, false), (below, false)) | ((below, true), (above, true)) => Some((above, below)),
            _ => None,
        })
        .collect();
    let mut rest: Vec<usize> = (0..topology.links.len()).collect();
    let mut order = Vec::new();
    while !rest.is_empty() {
        let is_free =
            |link: &&usize| !edges.iter().any(|(above, below)| below == *link && rest.contains(above));
        let next = rest.iter().find(is_free).copied().unwrap_or(rest[0]);
        rest.retain(|link| *link != next);
        order.push(next);
    }
    order
        .retain(|link| topology.groups.iter().any(|group| group.path.iter().any(|(other, _)| other == link)));
    order
}

/// A lane for each group, in places that ended ones leave free, and the number of places.
fn lanes<'a>(topology: &'a Topology, order: &[usize]) -> (Vec<Lane<'a>>, usize) {
    let mut free: Vec<usize> = Vec::new();
    let mut lanes: Vec<Lane<'_>> = topology
        .groups
        .iter()
        .filter_map(|group| {
            let places =
                || group.path.iter().filter_map(|(link, _)| order.iter().position(|other| other == link));
            let slots = [places().min()?, places().max()? + 1];
            let turned = group.path[0].1;
            let ordered = places().is_sorted_by(|a, b| if turned { a > b } else { a < b });
            let names = group.path.iter().map(|(link, _)| topology.links[*link].name.as_str());
            let disorder = (!ordered).then(|| names.collect::<Vec<_>>().join(", then "));
            Some(Lane { group, slots, turned, disorder, x: 0, ends: [0; 2] })
        })
        .collect();
    lanes.sort_by_key(|lane| lane.slots[0]);
    for lane in &mut lanes {
        let place = free.iter().position(|end| *end <= lane.slots[0]).unwrap_or_else(|| {
            free.push(0);
            free.len() - 1
        });
        free[place] = lane.slots[1];
        lane.x = i32::try_from(place).unwrap_or(0);
    }
    (lanes, free.len())
}

/// The rows from top to bottom: above each link the ends of lanes, then their beginnings.
fn rows(lanes: &[Lane<'_>], order: &[usize]) -> Vec<Row> {
    let mut rows = Vec::new();
    for slot in 0..=order.len() {
        for (end, clients) in [(1, true), (0, false)] {
            let here = |turned: bool| {
                let is_here = move |n: &usize| lanes[*n].slots[end] == slot && lanes[*n].turned == turned;
                (0..lanes.len()).filter(is_here)
            };
            rows.extend(here(clients).map(Row::Clients));
            let servers: Vec<usize> = here(!clients).collect();
            if !servers.is_empty() {
                rows.push(Row::Servers(servers));
            }
        }
        rows.extend(order.get(slot).map(|link| Row::Link(*link)));
    }
    rows
}

/// The texts beside a row, in lines that fit.
fn lines(topology: &Topology, lanes: &[Lane<'_>], row: &Row, width: i32) -> Vec<String> {
    let texts = match row {
        Row::Clients(n) => {
            let Lane { group, disorder, .. } = &lanes[*n];
            let words = format!("{}: {}", group.name, group.words);
            let order = disorder.as_ref().map(|links| format!("crosses {links}, unlike the drawing"));
            [words].into_iter().chain(order).collect()
        }
        Row::Servers(of) => {
            let names: Vec<&str> = of.iter().map(|n| lanes[*n].group.name.as_str()).collect();
            vec![format!("{} of {}", if names.len() == 1 { "server" } else { "servers" }, names.join(", "))]
        }
        Row::Link(link) => {
            let link = &topology.links[*link];
            let own = link.per_client.then(|| "one for each client".to_owned());
            [format!("link {}", link.name)]
                .into_iter()
                .chain(own)
                .chain(link.conditions.iter().cloned())
                .collect()
        }
    };
    texts.iter().flat_map(|text| wrapped(text, TEXT, px(width), MOST_LINES)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::LinkConditions;

    fn topology(links: &[(&str, bool)], groups: &[(&str, &[(usize, bool)])]) -> Topology {
        let link = |(name, per_client): &(&str, bool)| LinkConditions {
            name: (*name).to_owned(),
            per_client: *per_client,
            conditions: vec!["rate 10 Mbit/s".to_owned()],
        };
        let group = |(name, path): &(&str, &[(usize, bool)])| GroupPlace {
            name: (*name).to_owned(),
            words: "1 client, bulk up, reno".to_owned(),
            path: path.to_vec(),
            start_ns: 0,
        };
        Topology { links: links.iter().map(link).collect(), groups: groups.iter().map(group).collect() }
    }

    /// The rows in words.
    fn rows_of(topology: &Topology) -> Vec<String> {
        let order = order(topology);
        let (lanes, _) = lanes(topology, &order);
        let rows = rows(&lanes, &order);
        rows.iter().map(|row| lines(topology, &lanes, row, 600)[0].clone()).collect()
    }

    #[test]
    fn a_parking_lot_has_its_groups_between_its_links() {
        let hops = [("b", false), ("a", false), ("unused", false)];
        let lot = topology(&hops, &[("long", &[(1, false), (0, false)]), ("short", &[(0, false)])]);
        let words = "1 client, bulk up, reno";
        let rows = [
            &format!("long: {words}"),
            "link a",
            &format!("short: {words}"),
            "link b",
            "servers of long, short",
        ];
        assert_eq!(rows_of(&lot), rows);
        let (lanes, count) = lanes(&lot, &order(&lot));
        assert_eq!((lanes.len(), count), (2, 2));
    }

    #[test]
    fn clients_of_a_link_crossed_backwards_stand_below_it() {
        let both = topology(&[("neck", false)], &[("there", &[(0, false)]), ("back", &[(0, true)])]);
        let words = "1 client, bulk up, reno";
        let rows = [
            &format!("there: {words}"),
            "server of back",
            "link neck",
            &format!("back: {words}"),
            "server of there",
        ];
        assert_eq!(rows_of(&both), rows);
        let page = figure(&both, 1).into_string();
        assert_eq!((page.matches("<circle").count(), page.matches("<svg").count()), (4, 2));
        // One arrow points down, one up.
        assert!(page.contains("h8l-4 10z") && page.contains("h8l-4 -10z"), "{page}");
    }

    #[test]
    fn arrows_lead_to_the_server_across_a_link_crossed_backwards() {
        let mixed = topology(&[("a", false), ("b", false)], &[("x", &[(0, false), (1, true)])]);
        let page = figure(&mixed, 1).into_string();
        let arrows = |class: &str| page.matches(&format!("<path class=\"{class}\"")).count();
        assert_eq!((arrows("host"), arrows("host hollow"), page.matches("h8l-4 10z").count()), (2, 2, 4));
    }

    #[test]
    fn ended_lanes_leave_their_place_and_each_client_has_its_own_link() {
        let line = topology(&[("a", false), ("b", true)], &[("one", &[(0, false)]), ("two", &[(1, false)])]);
        assert_eq!(lanes(&line, &order(&line)).1, 1);
        let shared = topology(&[("a", true)], &[("one", &[(0, false)]), ("two", &[(0, false)])]);
        let boxes = |topology: &Topology| figure(topology, 1).into_string().matches("class=\"pipe\"").count();
        assert_eq!(boxes(&shared), 4);
        assert_eq!(boxes(&Topology::default()), 0);
        // Paths that contradict each other still have an order.
        let odd = topology(
            &[("a", false), ("b", false)],
            &[("x", &[(0, false), (1, false)]), ("y", &[(1, false), (0, false)])],
        );
        assert_eq!(order(&odd), [0, 1]);
        // The one that the order contradicts says so.
        let (odd, order) = (&odd, order(&odd));
        let (lanes, _) = lanes(odd, &order);
        let texts = |n: usize| lines(odd, &lanes, &Row::Clients(n), 600);
        assert_eq!((texts(0).len(), texts(1)[1].as_str()), (1, "crosses b, then a, unlike the drawing"));
    }
}
