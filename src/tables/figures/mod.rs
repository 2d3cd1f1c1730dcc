//! Figures of a trial. A new one is a line of [`FIGURES`]; CSV columns, summary, table, sentences,
//! comparisons, axis labels of pictures and `testbed list figures` read it there.

mod dynamics;
mod list;
mod source;

pub use list::FIGURES;
pub use source::Source;

use super::groups::Share;
use super::kind::Kind;
use super::study::Study;

/// A figure of a trial: a column of `trials.csv`, and all that is said of it elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Column of `trials.csv`.
    pub column: &'static str,
    /// Unit where the figure is shown; empty for a count or an index.
    pub unit: &'static str,
    /// Decimals in `trials.csv`.
    pub decimals: usize,
    /// Predicate: results of a study have the column.
    pub has: fn(&Study) -> bool,
    /// Value of a trial; `None` where there is none.
    pub value: fn(&Source<'_>) -> Option<f64>,
    /// Value of a group of clients, of figures that groups have: columns of `groups.csv`.
    pub of_group: Option<fn(&Share) -> Option<f64>>,
    /// True if only groups have it.
    pub only_of_groups: bool,
    /// Name in sentences.
    pub words: &'static str,
    /// Direction that is better.
    pub better: Better,
    /// Factor from the column to the unit shown.
    pub factor: f64,
    /// Cause of the figure.
    pub nature: Nature,
    /// True if it is measured at the bottleneck, so that it compares cells only if they share one.
    pub at_bottleneck: bool,
    /// Column of the short table, if it has one.
    pub heading: Option<Heading>,
    /// True if the sentence on a single cell has it.
    pub said_alone: bool,
    /// Terms of a sentence that compares two cells, if it has one.
    pub compared: Option<Compared>,
    /// Panel of the picture that compares cells, if it has one.
    pub panel: Option<Panel>,
    /// Predicate: a mean says something; a figure whose means never do is not shown.
    pub tells: fn(f64) -> bool,
    /// Figures that it repeats where it equals one of them.
    pub repeats: &'static [&'static str],
}

/// Direction of improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    More,
    /// Less is better.
    Less,
    /// Neither is better by itself.
    Neither,
}

/// Cause of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// The network and its clients: the same scenario and seed give the same figure.
    Network,
    /// The program's work, which depends on what is recorded, too.
    Program,
    /// The machine's speed, which differs from run to run and is not summarised.
    Machine,
}

/// Head of a column of the short table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    pub text: &'static str,
    /// Second line, with the unit.
    pub unit: &'static str,
}

/// Terms of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// Place among the figures that a sentence names, the most telling first.
    pub rank: u8,
    /// Least change, as a share, that is worth naming even if it is no chance.
    pub worth_naming: f64,
    /// True if it is news that the figure stayed the same.
    pub same_is_news: bool,
    /// True if an unclear change is mentioned.
    pub unclear_is_said: bool,
    /// A share of another figure below which both sides are next to none.
    pub negligible: Option<(&'static str, f64)>,
    /// Reason why a figure of the study may have no value.
    pub missing: Option<&'static str>,
}

/// Terms of a panel.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// Place among the panels, the most telling first.
    pub rank: u8,
    /// Axis label without its unit.
    pub label: &'static str,
}

impl Better {
    /// Words behind a figure's name.
    pub const fn words(self) -> &'static str {
        match self {
            Better::More => "; more is better",
            Better::Less => "; less is better",
            Better::Neither => "",
        }
    }
}

impl Compared {
    /// The usual terms. A change of less than 2 %, even if no chance, is not worth a word.
    const fn ranked(rank: u8) -> Compared {
        Compared {
            rank,
            worth_naming: 0.02,
            same_is_news: false,
            unclear_is_said: true,
            negligible: None,
            missing: None,
        }
    }
}

impl Figure {
    /// Kind of its column in the tables of trials.
    pub const fn kind(&self) -> Kind {
        if self.decimals == 0 { Kind::Integer } else { Kind::Number }
    }

    /// A figure of the network that only files have.
    const fn new(
        column: &'static str,
        unit: &'static str,
        decimals: usize,
        words: &'static str,
        better: Better,
        value: fn(&Source<'_>) -> Option<f64>,
    ) -> Figure {
        Figure {
            column,
            unit,
            decimals,
            has: |_| true,
            value,
            of_group: None,
            only_of_groups: false,
            words,
            better,
            factor: 1.0,
            nature: Nature::Network,
            at_bottleneck: false,
            heading: None,
            said_alone: false,
            compared: None,
            panel: None,
            tells: |_| true,
            repeats: &[],
        }
    }

    const fn only_if(mut self, has: fn(&Study) -> bool) -> Figure {
        self.has = has;
        self
    }

    const fn of_group(mut self, value: fn(&Share) -> Option<f64>) -> Figure {
        self.of_group = Some(value);
        self
    }

    const fn only_of_groups(mut self) -> Figure {
        self.only_of_groups = true;
        self
    }

    const fn nature(mut self, nature: Nature) -> Figure {
        self.nature = nature;
        self
    }

    const fn at_bottleneck(mut self) -> Figure {
        self.at_bottleneck = true;
        self
    }

    const fn in_percent(mut self) -> Figure {
        self.factor = 100.0;
        self
    }

    const fn table(mut self, text: &'static str, unit: &'static str) -> Figure {
        self.heading = Some(Heading { text, unit });
        self
    }

    const fn if_mean(mut self, tells: fn(f64) -> bool) -> Figure {
        self.tells = tells;
        self
    }

    const fn unlike(mut self, others: &'static [&'static str]) -> Figure {
        self.repeats = others;
        self
    }

    const fn said_alone(mut self) -> Figure {
        self.said_alone = true;
        self
    }

    const fn compared(mut self, terms: Compared) -> Figure {
        self.compared = Some(terms);
        self
    }

    const fn panel(mut self, rank: u8, label: &'static str) -> Figure {
        self.panel = Some(Panel { rank, label });
        self
    }

    /// Unit of the column.
    pub fn column_unit(&self) -> &'static str {
        match self.unit {
            "%" => "share",
            "" => "number",
            unit => unit,
        }
    }

    /// Axis label with the unit.
    pub fn axis_label(&self) -> String {
        let label = self.panel.map_or(self.words, |panel| panel.label);
        if self.unit.is_empty() { label.to_owned() } else { format!("{label} ({})", self.unit) }
    }

    /// Unit behind a difference of two values: shares differ by percentage points.
    pub fn unit_of_difference(&self) -> String {
        if self.unit == "%" { " percentage points".to_owned() } else { self.unit_behind() }
    }

    /// The unit behind a number, or nothing.
    pub fn unit_behind(&self) -> String {
        if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) }
    }
}

/// The figures that a study has, in the order of `trials.csv`.
pub fn of_study(study: &Study) -> impl Iterator<Item = &'static Figure> {
    FIGURES.iter().filter(|figure| (figure.has)(study) && !figure.only_of_groups)
}

/// The figures that the groups of a study have, in the order of `groups.csv`.
pub fn of_groups(study: &Study) -> impl Iterator<Item = &'static Figure> {
    FIGURES.iter().filter(|figure| (figure.has)(study) && figure.of_group.is_some())
}

/// Those of all that are summarised over trials: wall time would make the file differ from run to run.
pub fn summarised(study: &Study) -> impl Iterator<Item = &'static Figure> {
    of_study(study).filter(|figure| figure.nature != Nature::Machine)
}

/// The figures in the order of tables: times of completion lead, since they are the result of a transfer of
/// a given size.
pub fn in_reading_order() -> Vec<&'static Figure> {
    let (mut figures, others): (Vec<_>, Vec<_>) = FIGURES.iter().partition(|figure| figure.unit == "s");
    figures.extend(others);
    figures
}

/// The figures with a rank, by it.
pub fn ranked(rank: fn(&Figure) -> Option<u8>) -> Vec<&'static Figure> {
    let mut figures: Vec<&Figure> = FIGURES.iter().filter(|figure| rank(figure).is_some()).collect();
    figures.sort_by_key(|figure| rank(figure));
    figures
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn columns_are_unique_and_ranks_are_an_order() {
        let columns: BTreeSet<&str> = FIGURES.iter().map(|figure| figure.column).collect();
        assert_eq!(columns.len(), FIGURES.len());
        for rank in [|f: &Figure| Some(f.compared?.rank), |f: &Figure| Some(f.panel?.rank)] {
            let ranked = ranked(rank);
            let ranks: BTreeSet<Option<u8>> = ranked.iter().map(|figure| rank(figure)).collect();
            assert_eq!(ranks.len(), ranked.len());
        }
    }

    #[test]
    fn what_a_figure_refers_to_is_a_figure() {
        let negligible = |figure: &Figure| Some(figure.compared?.negligible?.0);
        for figure in FIGURES {
            let mut others = figure.repeats.iter().copied().chain(negligible(figure));
            assert!(others.all(|other| FIGURES.iter().any(|figure| figure.column == other)), "{figure:?}");
        }
    }
}
