//! The backlog of links with a rate over time.

use super::data::{self, Link};
use super::panel::{Chart, Panel};
use super::scale::{self, Scale};
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{self, Choice, FIRST_TRIAL, Sources};
use super::style::{ALARM, Curve, Drawn, MUTED, SHADE};
use crate::report::error::ReportError;

/// As many queues as a panel shows, the longest ones.
const MAX_QUEUES: usize = 3;

/// One panel per cell.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let results = sources.results;
    let rated = data::rated_links(results)?;
    let rated = |link: &str, direction: &str| rated.iter().any(|(l, d)| l == link && d == direction);
    let Choice { cells, remark: omitted } =
        sources::choose_by_series(results, sources.view.most_cells(), "links.csv", "queues", |_, row| {
            rated(row.get("link"), row.get("direction")) && row.parse("backlog_packets") > Some(0.0)
        })?;
    let warmup = results.study.warmup.as_secs_f64();
    let (from, to) = sources.span();
    // The same links in all panels, so that a colour keeps its meaning.
    let mut longest: Vec<(String, String, f64)> = Vec::new();
    let mut queues: Vec<(usize, Vec<Link>)> = Vec::new();
    for &cell in &cells {
        let mut links = data::links(results, cell)?;
        links.retain(|link| rated(&link.name, &link.direction));
        if sources.part().is_some() {
            for link in &mut links {
                link.cut(from, to);
            }
        }
        for link in &links {
            let top = link.packets.iter().copied().fold(0.0, f64::max);
            match longest.iter_mut().find(|(name, way, _)| (name, way) == (&link.name, &link.direction)) {
                Some(known) => known.2 = known.2.max(top),
                None => longest.push((link.name.clone(), link.direction.clone(), top)),
            }
        }
        queues.push((cell, links));
    }
    longest.retain(|(_, _, top)| *top > 0.0);
    longest.sort_by(|a, b| b.2.total_cmp(&a.2));
    longest.truncate(MAX_QUEUES);
    let mut contents: Vec<(usize, Vec<(Curve, Link)>)> = Vec::new();
    for (cell, links) in queues {
        let curve = |link: Link| {
            let is = |(name, way, _): &(String, String, f64)| *name == link.name && *way == link.direction;
            longest.iter().position(is).map(|n| (Curve(n), link))
        };
        let chosen: Vec<(Curve, Link)> =
            links.into_iter().filter(|link| link.time_s.len() > 1).filter_map(curve).collect();
        if !chosen.is_empty() {
            contents.push((cell, chosen));
        }
    }
    let top = |links: &[(Curve, Link)]| {
        let packets = links.iter().flat_map(|(_, link)| &link.packets).copied();
        // A queue that is never longer than a packet looks empty, as it is.
        (packets.fold(0.0, f64::max) * 1.1).max(5.0)
    };
    let (tops, scales) = scale::tops(&contents.iter().map(|(_, links)| top(links)).collect::<Vec<_>>());
    let has = |times: fn(&Link) -> Vec<f64>| {
        contents.iter().flat_map(|(_, links)| links).any(|(_, link)| !times(link).is_empty())
    };
    let (dropped, marked) = (has(drop_times), has(mark_times));
    let mut panels: Vec<DrawPanel> = Vec::new();
    let (columns, row_height) = data::grid(contents.len());
    let (frame, all) = (sources.view.frame, contents.len());
    for (place, ((cell, links), top)) in contents.into_iter().zip(tops).enumerate() {
        let title = data::panel_title(results, cell);
        let time = frame.below(place, all, columns, "time (s)");
        panels.push(Box::new(move |area| {
            let last = links.iter().filter_map(|(_, link)| link.time_s.last()).copied();
            let chart = Panel {
                title: title.clone(),
                x: Scale::linear(from, last.fold(to, f64::max), 10),
                y: Scale::from_zero(top, 6),
                x_label: time.clone(),
                y_label: "backlog (packets)".to_owned(),
            }
            .draw(area, Some((from, warmup)))?;
            draw_links(&chart, &links)
        }));
    }
    if panels.is_empty() {
        return Ok(None);
    }
    let legend = legend(&longest, dropped, marked, warmup > 0.0);
    let what = Some(FIRST_TRIAL.to_owned());
    let waiting =
        Some("packets waiting or in transmission: means as lines, shortest to longest as bands".to_owned());
    Ok(Some(Sheet {
        title: data::title(results, "queue over time"),
        subtitle: data::subtitle(&[what, waiting, omitted, sources.until_over(), scales]),
        legend,
        columns,
        row_height,
        panels,
    }))
}

/// Draws the backlog of links: bands, means, and below the upper edge the drops and marks.
pub fn draw_links(chart: &Chart<'_>, links: &[(Curve, Link)]) -> Drawn {
    for (curve, link) in links {
        for (from, to, low, high) in bands(link) {
            chart.rectangle([(from, high), (to, low)], curve.color(), 0.28)?;
        }
    }
    // Means over the bands of all links, so that none is hidden.
    for (curve, link) in links {
        chart.line(&means(link), curve.color(), 18, curve.dash())?;
    }
    let all = |times: fn(&Link) -> Vec<f64>| {
        let mut all: Vec<f64> = links.iter().flat_map(|(_, link)| times(link)).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    chart.diamonds(&all(mark_times), 1, MUTED)?;
    chart.ticks(&all(drop_times), 0, ALARM)
}

fn legend(links: &[(String, String, f64)], dropped: bool, marked: bool, warmup: bool) -> Vec<Key> {
    let mut legend: Vec<Key> = (links.iter().enumerate())
        .map(|(n, (link, way, _))| Key {
            label: format!("link {link} {way}"),
            symbol: Symbol::Line(Curve(n), false),
        })
        .collect();
    if dropped {
        let label = "packets dropped here, by loss or by the queue".to_owned();
        legend.push(Key { label, symbol: Symbol::Tick(ALARM) });
    }
    if marked {
        let label = "packets marked here (ECN)".to_owned();
        legend.push(Key { label, symbol: Symbol::Diamond(MUTED) });
    }
    if warmup {
        legend.push(Key { label: "warm-up, not measured".to_owned(), symbol: Symbol::Patch(SHADE) });
    }
    legend
}

/// Spans that a panel's axis of time has at most: a queue moves faster than its picture can show.
const MAX_SPANS: usize = 240;

/// Spans of time of equally many samples, at least two, with their bounds: were some of one sample,
/// equal bursts would look different.
fn spans(link: &Link) -> impl Iterator<Item = (f64, f64, &[f64])> {
    let samples = link.packets.len().div_ceil(MAX_SPANS).max(2);
    link.packets.chunks(samples).enumerate().map(move |(n, packets)| {
        let first = n * samples;
        let next = (first + samples).min(link.time_s.len() - 1);
        (link.time_s[first], link.time_s[next], packets)
    })
}

/// From, to, the shortest and the longest the queue was in between.
fn bands(link: &Link) -> Vec<(f64, f64, f64, f64)> {
    let band = |(from, to, packets): (f64, f64, &[f64])| {
        let low = packets.iter().copied().fold(f64::INFINITY, f64::min);
        (from, to, low, packets.iter().copied().fold(0.0, f64::max))
    };
    spans(link).map(band).filter(|(_, _, low, high)| high > low).collect()
}

/// The mean length over each span, at its middle.
fn means(link: &Link) -> Vec<(f64, f64)> {
    let mean = |(from, to, packets): (f64, f64, &[f64])| {
        (f64::midpoint(from, to), packets.iter().sum::<f64>() / packets.len() as f64)
    };
    spans(link).map(mean).collect()
}

/// Times at which the count of drops rose.
fn drop_times(link: &Link) -> Vec<f64> {
    rises(&link.drops, &link.time_s)
}

/// Times at which the count of marks rose.
fn mark_times(link: &Link) -> Vec<f64> {
    rises(&link.marks, &link.time_s)
}

fn rises(counts: &[f64], time_s: &[f64]) -> Vec<f64> {
    let rises = counts.windows(2).zip(time_s.iter().skip(1)).filter(|(pair, _)| pair[1] > pair[0]);
    rises.map(|(_, &time)| time).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bursts_look_alike_however_many_samples_there_are() {
        for samples in [3, 100, 300, 479, 1000, 6000] {
            let burst = |n: u32| f64::from(n % 2 * 248);
            let link = Link {
                time_s: (0..samples).map(f64::from).collect(),
                packets: (0..samples).map(burst).collect(),
                ..Link::default()
            };
            let bands = bands(&link);
            assert!(!bands.is_empty() && bands.len() <= MAX_SPANS, "{samples}");
            let whole = |&(_, _, low, high): &(f64, f64, f64, f64)| high - low > 247.0;
            assert!(bands.iter().all(whole), "{samples}: {bands:?}");
        }
    }
}
