//! Curves of models beside the goodput of a sweep: the sum over the bulk transfers of a cell, by the scenario's own
//! round trip without queues and its random loss.

use super::super::scale::Scale;
use super::super::select::Unfit;
use super::super::sheet::{Key, Symbol};
use super::super::sources::Sources;
use super::super::style::{DOTS, INK};
use crate::report::error::ReportError;
use crate::tables::figures::Figure;
use crate::tables::models::{self, Model, Transfers};

/// Points of a curve between two cells.
const STEPS: usize = 24;

/// A curve's points, with stroke and gap.
pub type ModelCurve = (Vec<(f64, f64)>, (i32, i32));

/// Models that are shown, and the transfers of each cell.
pub struct Models {
    models: Vec<&'static Model>,
    transfers: Vec<Vec<Transfers>>,
}

/// Looks of the models in their order.
const LOOKS: [(i32, i32); 3] = [(5, 4), DOTS, (14, 4)];

/// The chosen models, where a sweep along `x` has the goodput among its figures.
pub fn of(sources: &Sources<'_>, x: usize, figures: &[&Figure]) -> Result<Option<Models>, ReportError> {
    let (study, models) = (&sources.results.study, &sources.view.models);
    if models.is_empty() {
        return Ok(None);
    }
    let refused = |problem: String, help: &str| Err(Unfit::new(problem, help).into());
    if !figures.iter().any(|figure| figure.column == Models::COLUMN) {
        return refused("models are of the goodput".to_owned(), "ask for `y` goodput_mbit");
    }
    if study.axes[x].magnitudes().is_none() {
        let problem =
            format!("the values of {} are no numbers, so that a curve has no place", study.axes[x].key);
        return refused(problem, "choose another axis with `x`, a loss or a delay");
    }
    let transfers = match models::transfers(study) {
        Ok(transfers) => transfers,
        Err(why) => return refused(format!("no model can be drawn: {why}"), "leave `model` out"),
    };
    let bounded = |cell: usize| models.iter().any(|model| model.mbit(&transfers[cell]).is_some());
    if !sources.results.cells_with_trials().into_iter().any(bounded) {
        let problem = "no model can be drawn: nothing is lost by chance on the way of a bulk transfer";
        return refused(problem.to_owned(), "choose cells with random loss, or leave `model` out");
    }
    Ok(Some(Models { models: models.clone(), transfers }))
}

impl Models {
    /// Column of the figure that they are of.
    pub const COLUMN: &'static str = "goodput_mbit";

    /// Curves through the cells of each line, given by place on the axis and number. Lines of equal conditions share
    /// one; beyond the panel's end a curve is interrupted.
    pub fn curves(
        &self,
        lines: impl Iterator<Item = Vec<(f64, usize)>>,
        scale: &Scale,
        end: f64,
    ) -> Vec<ModelCurve> {
        let mut all: Vec<ModelCurve> = Vec::new();
        for mut cells in lines {
            cells.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (model, dash) in self.models.iter().zip(LOOKS) {
                let curve = (self.curve(model, &cells, scale, end), dash);
                let is_known = |known: &ModelCurve| {
                    let near = |(a, b): (&(f64, f64), &(f64, f64))| {
                        (a.0 - b.0).abs() <= 1e-9
                            && ((a.1 - b.1).abs() <= 1e-9 || a.1.is_nan() && b.1.is_nan())
                    };
                    known.1 == dash
                        && known.0.len() == curve.0.len()
                        && known.0.iter().zip(&curve.0).all(near)
                };
                if !all.iter().any(is_known) {
                    all.push(curve);
                }
            }
        }
        all
    }

    fn curve(&self, model: &Model, cells: &[(f64, usize)], scale: &Scale, end: f64) -> Vec<(f64, f64)> {
        let mut points = Vec::new();
        for pair in cells.windows(2) {
            let [(from, one), (to, other)] = [pair[0], pair[1]];
            // Nothing leads over the gap to zero.
            if scale.break_at().is_some_and(|gap| from < gap) {
                continue;
            }
            let ends = [scale.share(from), scale.share(to)];
            for step in 0..=STEPS {
                let share = ends[0] + (ends[1] - ends[0]) * step as f64 / STEPS as f64;
                let place = scale.at(share);
                let weight = if to > from { (place - from) / (to - from) } else { 0.0 };
                let mbit = model.mbit(&between(&self.transfers[one], &self.transfers[other], weight));
                points.push((place, mbit.filter(|mbit| *mbit <= end).unwrap_or(f64::NAN)));
            }
        }
        points
    }

    /// Entries of the legend.
    pub fn legend(&self) -> Vec<Key> {
        let symbols = [Symbol::Threshold(INK), Symbol::Dotted(INK), Symbol::Dashed(INK)];
        let key =
            |(model, symbol): (&&Model, Symbol)| Key { label: format!("model of {}", model.words), symbol };
        self.models.iter().zip(symbols).map(key).collect()
    }
}

/// Conditions between those of two cells.
fn between(one: &[Transfers], other: &[Transfers], weight: f64) -> Vec<Transfers> {
    let mix = |a: f64, b: f64| a + (b - a) * weight;
    let mixed = one.iter().zip(other).map(|(a, b)| Transfers {
        count: mix(a.count, b.count),
        mss: mix(a.mss, b.mss),
        rtt_s: mix(a.rtt_s, b.rtt_s),
        loss: mix(a.loss, b.loss),
    });
    mixed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_follows_the_model_between_cells_and_is_shared_by_equal_lines() {
        let cell = |loss: f64| vec![Transfers { count: 1.0, mss: 1448.0, rtt_s: 0.1, loss }];
        let transfers = vec![cell(0.0), cell(0.01), cell(0.04), cell(0.0), cell(0.01), cell(0.04)];
        let models = Models { models: vec![&models::MODELS[0]], transfers };
        let scale = Scale::log_and_zero(1.0, 5.0);
        let line = |first: usize| vec![(4.0, first + 2), (scale.place(0.0), first), (1.0, first + 1)];
        let curves = models.curves([line(0), line(3)].into_iter(), &scale, 10.0);
        let [(points, _)] = &curves[..] else { panic!("{curves:?}") };
        assert_eq!(points.len(), STEPS + 1);
        // With four times the loss half of it, by the square root, and in between as well.
        let (first, last) = (points[0].1, points[STEPS].1);
        let ends = [points[0].0, points[STEPS].0 / 4.0].map(|place| (place - 1.0).abs());
        assert!((first / last - 2.0).abs() < 1e-6 && ends.iter().all(|off| *off < 1e-9), "{points:?}");
        let (place, mbit) = points[STEPS / 2];
        assert!((mbit / first - (1.0 / place).sqrt()).abs() < 1e-6, "{place} {mbit}");
        // Beyond the panel there is nothing.
        let [(cut, _)] = &models.curves([line(0)].into_iter(), &scale, last * 1.5)[..] else { panic!("one") };
        assert!(cut[0].1.is_nan() && cut[STEPS].1.is_finite());
    }
}
