//! Parameters that a scenario may set for a controller, by name.

/// Something that a scenario may set for a controller.
#[derive(Debug)]
pub struct Parameter {
    /// Its key.
    pub name: &'static str,
    /// Its value when nothing is said; of a word, its place among [`Values::Words`].
    pub default: f64,
    /// Values allowed.
    pub values: Values,
    /// One sentence, with the unit.
    pub summary: &'static str,
}

/// The values that a [`Parameter`] may take.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// A number, from the smallest to the largest that makes sense.
    Range(f64, f64),
    /// One of these words.
    Words(&'static [&'static str]),
}

/// The values of a controller's parameters.
#[derive(Clone, Debug)]
pub struct Parameters {
    declared: &'static [Parameter],
    values: Vec<f64>,
}

impl Parameter {
    /// True if its default is one of its values.
    pub(super) fn is_sound(&self) -> bool {
        match self.values {
            Values::Range(least, most) => (least..=most).contains(&self.default),
            Values::Words(words) => self.default >= 0.0 && (self.default as usize) < words.len(),
        }
    }

    /// The default as a scenario writes it.
    pub fn default_text(&self) -> String {
        match self.values {
            Values::Range(..) => self.default.to_string(),
            Values::Words(words) => format!("\"{}\"", words[self.default as usize]),
        }
    }
}

impl Parameters {
    /// Every parameter at its default.
    pub fn defaults(declared: &'static [Parameter]) -> Parameters {
        Parameters { declared, values: declared.iter().map(|parameter| parameter.default).collect() }
    }

    /// The value of a number. Panics on a name that was not declared, which any test of the controller
    /// shows.
    pub fn number(&self, name: &str) -> f64 {
        self.values[self.place(name)]
    }

    /// True if a number that says yes or no says yes.
    pub fn is_on(&self, name: &str) -> bool {
        self.number(name) >= 0.5
    }

    /// The chosen one of a parameter's words. Panics as [`Parameters::number`] does.
    pub fn word(&self, name: &str) -> &'static str {
        let place = self.place(name);
        match self.declared[place].values {
            Values::Words(words) => words[self.values[place] as usize],
            Values::Range(..) => panic!("the parameter \"{name}\" is a number"),
        }
    }

    /// Sets a parameter; a word by its place among [`Values::Words`].
    pub fn set(&mut self, name: &str, value: f64) {
        let place = self.place(name);
        self.values[place] = value;
    }

    fn place(&self, name: &str) -> usize {
        let place = self.declared.iter().position(|parameter| parameter.name == name);
        place.unwrap_or_else(|| panic!("no parameter \"{name}\" was declared"))
    }
}

/// Equal if their values are: which controller they belong to stands beside them.
impl PartialEq for Parameters {
    fn eq(&self, other: &Parameters) -> bool {
        self.values == other.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &[Parameter] = &[
        Parameter { name: "beta", default: 0.7, values: Values::Range(0.1, 0.95), summary: "" },
        Parameter { name: "units", default: 1.0, values: Values::Words(&["bytes", "segments"]), summary: "" },
    ];

    #[test]
    fn values_are_found_by_name_and_words_by_their_place() {
        let mut parameters = Parameters::defaults(DECLARED);
        assert_eq!((parameters.number("beta"), parameters.word("units")), (0.7, "segments"));
        parameters.set("beta", 0.2);
        parameters.set("units", 0.0);
        assert_eq!((parameters.number("beta"), parameters.word("units")), (0.2, "bytes"));
        assert!(!parameters.is_on("beta") && parameters != Parameters::defaults(DECLARED));
    }

    #[test]
    fn a_default_is_one_of_the_values() {
        let with = |default, values| Parameter { name: "x", default, values, summary: "" };
        assert!(DECLARED.iter().all(Parameter::is_sound));
        assert!(
            !with(2.0, Values::Range(0.0, 1.0)).is_sound()
                && !with(2.0, Values::Words(&["a", "b"])).is_sound()
        );
    }

    #[test]
    #[should_panic(expected = "no parameter \"gamma\" was declared")]
    fn a_name_that_was_not_declared_is_a_mistake_in_the_controller() {
        Parameters::defaults(DECLARED).number("gamma");
    }
}
