//! Keys of `[[plot]]` as options of commands that draw.

use std::fmt;
use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::output::Failure;
use crate::report::Drawn;
use crate::scenario::{PlotOption, PlotSpec};

/// Keys that a command offers.
pub trait Offer: fmt::Debug {
    /// Heading in the help.
    const HEADING: &'static str;
    /// Argument without which they say nothing.
    const NEEDS: &'static str;
    /// True of a key that is among them.
    fn has(key: &str) -> bool;
}

/// Part of the results that a picture shows, and its looks: the keys with their values.
#[derive(Debug)]
pub struct Choice<O>(Vec<(&'static str, Vec<String>)>, PhantomData<O>);

fn offered<O: Offer>() -> impl Iterator<Item = PlotOption> {
    PlotSpec::options().into_iter().filter(|option| O::has(option.name))
}

impl<O: Offer> Choice<O> {
    /// The picture that is asked for by these options and by others.
    pub fn spec(
        self,
        others: impl IntoIterator<Item = (&'static str, Vec<String>)>,
    ) -> Result<PlotSpec, Failure> {
        let given: Vec<_> = self.0.into_iter().chain(others).collect();
        PlotSpec::of_options(&given).map_err(|[problem, help]| Failure::usage(problem, help))
    }
}

/// Says on stderr what is not in the picture: its heading, if that was left out, and characters.
pub fn say_of(drawn: &Drawn, spec: &PlotSpec) {
    if spec.title.as_deref() == Some("") {
        eprintln!("caption: {}", drawn.caption);
    }
    if !drawn.boxes.is_empty() {
        eprintln!("warning: the font of PNG and PDF lacks {}", drawn.boxes);
    }
}

impl<O: Offer> Args for Choice<O> {
    fn augment_args(command: Command) -> Command {
        let command = command.next_help_heading(O::HEADING);
        let command = offered::<O>().fold(command, |command, option| {
            let arg =
                Arg::new(option.name).long(option.name).help(sentence(option.doc)).value_name(option.value);
            let action = if option.many { ArgAction::Append } else { ArgAction::Set };
            let arg = arg.action(action).requires(O::NEEDS);
            command.arg(if option.commas { arg.value_delimiter(',') } else { arg })
        });
        let untitled = Arg::new(NO_TITLE).long("no-title").action(ArgAction::SetTrue).requires(O::NEEDS);
        let untitled = untitled.help("Leave the heading out; its words go to stderr, for a caption");
        command.arg(untitled.conflicts_with(TITLE))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Choice::<O>::augment_args(command)
    }
}

const TITLE: &str = "title";
const NO_TITLE: &str = "no_title";

impl<O: Offer> FromArgMatches for Choice<O> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Choice<O>, clap::Error> {
        let given = |option: PlotOption| {
            let values = matches.get_many::<String>(option.name)?;
            Some((option.name, values.cloned().collect()))
        };
        let mut all: Vec<_> = offered::<O>().filter_map(given).collect();
        if matches.get_flag(NO_TITLE) {
            all.push((TITLE, vec![String::new()]));
        }
        Ok(Choice(all, PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Choice::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A key's sentence as help has it.
fn sentence(doc: &str) -> String {
    let mut letters = doc.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
