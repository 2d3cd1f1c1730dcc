//! `testbed validate`: our TCP beside Linux, ns-3 and models, cell by cell.

mod again;
mod cell;
mod grids;
mod order;
mod pair;
mod picture;
mod sawtooth;
mod scenes;
mod table;
mod waits;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use clap::Args;

use super::output::{Failure, print, processors};
use super::progress::Progress;
use super::run::stop_on_interrupt;
use crate::report::ratios;
use cell::{Cell, Verdict, run};
use grids::{GRIDS, Grid};

/// Set our TCP beside measurements of Linux and ns-3, and beside models
#[derive(Debug, Args)]
pub struct Validate {
    /// Only these grids; `--list` has their names
    #[arg(value_name = "GRID")]
    grids: Vec<String>,
    /// List the grids
    #[arg(long)]
    list: bool,
    /// Trials of each cell
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    trials: u32,
    /// Threads; all processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    /// Write the table there as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Draw the ratio of each cell there, a row for each figure of each grid (.svg, .png or .pdf)
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print nothing but the medians and what is beyond its bounds
    #[arg(short, long)]
    quiet: bool,
}

impl Validate {
    /// Runs the grids and prints a table for each. Fails with 99 if a cell is beyond its bounds.
    pub fn execute(self) -> Result<(), Failure> {
        if self.list {
            return print(&table::list(GRIDS));
        }
        let grids = self.chosen()?;
        // Before the work, so that no work is lost.
        let csv = self.csv.as_deref().map(create).transpose()?;
        self.plot.as_deref().map(ratios::check_name).transpose()?;
        let mut runs: Vec<(usize, Vec<Cell>)> = Vec::new();
        for (place, grid) in grids.iter().enumerate() {
            runs.extend(grid.runs().into_iter().map(|cells| (place, cells)));
        }
        let runs = self.measure(&grids, runs)?;
        let cells: Vec<(usize, &Cell)> =
            runs.iter().flat_map(|(place, cells)| cells.iter().map(|cell| (*place, cell))).collect();
        let of_grid = |(place, grid): (usize, &&'static Grid)| {
            let own = cells.iter().filter(|(of, _)| *of == place).map(|(_, cell)| *cell);
            (*grid, own.collect::<Vec<&Cell>>())
        };
        let grids: Vec<(&Grid, Vec<&Cell>)> = grids.iter().enumerate().map(of_grid).collect();
        let mut beyond = 0;
        for (grid, own) in &grids {
            print(&table::text(grid, own, self.quiet))?;
            beyond += own
                .iter()
                .flat_map(|cell| &cell.figures)
                .filter(|beside| beside.verdict() == Verdict::Beyond)
                .count();
        }
        if let Some((mut file, path)) = csv {
            let rows = cells.iter().map(|(place, cell)| (grids[*place].0, *cell));
            file.write_all(table::csv(rows).as_bytes()).map_err(|error| unwritten(path, &error))?;
        }
        if let Some(file) = &self.plot {
            ratios::draw(picture::of(&grids, self.trials), file)?;
        }
        if beyond > 0 {
            let figures = crate::units::plural(beyond as u64, "figure");
            return Err(Failure::Refuted(format!("{figures} beyond the bounds")));
        }
        Ok(())
    }

    fn chosen(&self) -> Result<Vec<&'static Grid>, Failure> {
        if let Some(unknown) = self.grids.iter().find(|name| GRIDS.iter().all(|grid| grid.name != **name)) {
            let names: Vec<&str> = GRIDS.iter().map(|grid| grid.name).collect();
            return Err(Failure::usage(
                format!("there is no grid \"{unknown}\""),
                format!("choose from {}", names.join(", ")),
            ));
        }
        let wanted = |grid: &&Grid| self.grids.is_empty() || self.grids.iter().any(|name| name == grid.name);
        Ok(GRIDS.iter().filter(wanted).collect())
    }

    /// Runs all cells on several threads; their results do not depend on how many.
    fn measure(
        &self,
        grids: &[&Grid],
        runs: Vec<(usize, Vec<Cell>)>,
    ) -> Result<Vec<(usize, Vec<Cell>)>, Failure> {
        let stop = stop_on_interrupt("interrupted")?;
        let progress = Progress::new("validate", runs.len() as u64, 0, "cells", self.quiet);
        let slots: Vec<Mutex<(usize, Vec<Cell>)>> = runs.into_iter().map(Mutex::new).collect();
        let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            while let Some(slot) = slots.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut slot = slot.lock().expect("one thread takes it");
                let grid = grids[slot.0];
                if !run(grid, &mut slot.1, self.trials, &mut || !stop.load(Ordering::Relaxed)) {
                    stopped.store(true, Ordering::Relaxed);
                    return;
                }
                progress.advance();
            }
        };
        let jobs = self.jobs.map_or_else(processors, |jobs| jobs as usize);
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(work);
            }
        });
        progress.finish();
        if stopped.into_inner() {
            return Err(Failure::Interrupted);
        }
        Ok(slots.into_iter().map(|slot| slot.into_inner().expect("no thread holds it")).collect())
    }
}

fn create(path: &Path) -> Result<(File, &Path), Failure> {
    File::create(path).map(|file| (file, path)).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("cannot write {}: {error}", path.display()), "choose another place")
}
