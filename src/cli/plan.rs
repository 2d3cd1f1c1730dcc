//! `testbed plan`: scripts that run a scenario in parts on a cluster.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{Failure, load, print};
use super::shard;
use crate::units::plural;
use crate::units::quoted;

/// Write scripts that run a scenario in parts on many machines
///
/// The folder gets `slurm.sh` (an array job: `sbatch`), `Snakefile` (`snakemake`) and `local.sh` (one
/// part after the other). Each runs `testbed run --shard` with --resume, so that a part that was killed goes on when
/// it is started again, and ends with the `testbed merge` that puts all together.
#[derive(Debug, Args)]
pub struct PlanCommand {
    /// Scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Number of parts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(shard::MOST)))]
    shards: u32,
    /// Override a key of the scenario, e. g. link.access.loss=20%
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Folder for the scripts and the parts; `shards/NAME` if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace scripts that are there
    #[arg(long)]
    force: bool,
}

impl PlanCommand {
    /// Writes the scripts, and says what they do.
    pub fn execute(self) -> Result<(), Failure> {
        let (plan, _) = load(&self.file, &self.sets)?;
        let trials = plan.every_trial().count();
        if self.shards as usize > trials {
            let trials = plural(trials as u64, "trial");
            return Err(Failure::usage(
                format!("{} of {trials}", plural(self.shards.into(), "part")),
                "ask for at most as many parts as there are trials",
            ));
        }
        let dir = self.out.clone().unwrap_or_else(|| Path::new("shards").join(plan.name()));
        let words = Words::new(&self, plan.name(), &dir);
        std::fs::create_dir_all(&dir).map_err(|error| unwritable(&dir, &error))?;
        let mut scripts = vec![("slurm.sh", words.slurm()), ("local.sh", words.local())];
        // Snakemake has no way to write them in the name of a file.
        match words.paths.iter().find(|path| path.contains(['{', '}'])) {
            Some(path) => {
                let older = dir.join("Snakefile");
                let older = if older.exists() {
                    format!("; {} is an older one, and stays", older.display())
                } else {
                    String::new()
                };
                eprintln!(
                    "warning: no Snakefile: Snakemake takes the braces in {path} for a wildcard{older}"
                );
            }
            None => scripts.insert(1, ("Snakefile", words.snakefile())),
        }
        for (name, text) in &scripts {
            let path = dir.join(name);
            // The same again is no change; what somebody has edited stays.
            let is_other = match std::fs::read(&path) {
                Ok(there) => there != text.as_bytes(),
                Err(error) => error.kind() != ErrorKind::NotFound,
            };
            if is_other && !self.force {
                return Err(Failure::usage(
                    format!("{} is there, and says something else", path.display()),
                    "choose another folder with --out DIR, or replace it with --force",
                ));
            }
        }
        for (name, text) in scripts {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
            print(&format!("{}\n", path.display()))?;
        }
        Ok(())
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::other(
        format!("cannot write {}: {error}", path.display()),
        "choose another folder with --out DIR",
    )
}

/// Words that the scripts share, quoted for a shell. They run from the folder in which they were made.
struct Words {
    name: String,
    run: String,
    merge: String,
    dir: String,
    /// Folders of the parts and of the result, not quoted.
    paths: [String; 2],
    shards: u32,
}

impl Words {
    fn new(asked: &PlanCommand, name: &str, dir: &Path) -> Words {
        let sets: String = asked.sets.iter().map(|set| format!(" --set {}", quoted(set))).collect();
        let paths = [dir.display().to_string(), format!("results/{name}")];
        let [dir, result] = paths.each_ref().map(|path| quoted(path));
        Words {
            name: quoted(name),
            run: format!("testbed run {}{sets} --resume --quiet", quoted(&asked.file.display().to_string())),
            merge: format!("testbed merge {dir}/part-* --out {result} --force"),
            dir,
            paths,
            shards: asked.shards,
        }
    }

    fn slurm(&self) -> String {
        let Words { name, run, merge, dir, shards, .. } = self;
        format!(
            "#!/bin/sh\n\
             # Start it where the scenario's path is right: sbatch {dir}/slurm.sh\n\
             # Then, with the number that sbatch prints: sbatch --dependency=afterok:NUMBER --wrap \"{merge}\"\n\
             # A part that was killed: sbatch --array=K {dir}/slurm.sh\n\
             #SBATCH --job-name={name}\n\
             #SBATCH --array=1-{shards}\n\
             #SBATCH --cpus-per-task=1\n\
             #SBATCH --output={dir}/slurm-%a.log\n\
             set -eu\n\
             k=$SLURM_ARRAY_TASK_ID\n\
             exec {run} --shard \"$k/{shards}\" --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\" --out {dir}/part-$k\n"
        )
    }

    fn snakefile(&self) -> String {
        let Words { run, merge, dir, paths, shards, .. } = self;
        // Texts of Python, in which a single brace begins a wildcard.
        let text = |text: &String| text.replace('\\', "\\\\").replace('"', "\\\"");
        let plain = |text: &str| text.replace('{', "{{").replace('}', "}}");
        let [run, merge, dir] = [run, merge, dir].map(|words| plain(&text(words)));
        let [dir_path, result_path] = paths.each_ref().map(text);
        format!(
            "PARTS = range(1, {shards} + 1)\n\
             \n\
             rule all:\n\
             \x20   input: \"{result_path}/report.html\"\n\
             \n\
             rule part:\n\
             \x20   output: \"{dir_path}/part-{{k}}/report.html\"\n\
             \x20   threads: 1\n\
             \x20   shell: \"{run} --shard {{wildcards.k}}/{shards} --jobs {{threads}} --out {dir}/part-{{wildcards.k}}\"\n\
             \n\
             rule merge:\n\
             \x20   input: expand(\"{dir_path}/part-{{k}}/report.html\", k=PARTS)\n\
             \x20   output: \"{result_path}/report.html\"\n\
             \x20   shell: \"{merge}\"\n"
        )
    }

    fn local(&self) -> String {
        let Words { run, merge, dir, shards, .. } = self;
        format!(
            "#!/bin/sh\n\
             set -eu\n\
             k=1\n\
             while [ $k -le {shards} ]; do\n\
             \x20   {run} --shard $k/{shards} --out {dir}/part-$k\n\
             \x20   k=$((k + 1))\n\
             done\n\
             {merge}\n"
        )
    }
}
