//! Cells that are set against one another: they agree in all keys but one, and the first of them is the base.

use super::{Beside, Folder, lines_of};
use crate::tables::axis::Axis;
use crate::tables::study::SCENARIO;
use crate::tables::summary::CellSummary;

/// Value of a key that a folder does not say.
pub const UNSAID: &str = "–";

/// A key whose values are set against one another.
#[derive(Debug)]
pub struct Pairing {
    pub key: String,
    /// Value that all others are set against; without one, the first of each group of cells.
    base: Option<String>,
}

/// A cell, with its value of the key that is set against others.
pub(super) type Line<'a> = (String, &'a Folder, &'a CellSummary);

/// Lines with the values of the keys that they share.
pub(super) type Group<'a> = (Vec<String>, Vec<Line<'a>>);

impl Beside {
    /// The pairing by a key, with the base that goes by this name. The error has its mend.
    pub fn pairing(&self, key: &str, base: Option<&str>) -> Result<Pairing, [String; 2]> {
        let base = base.map(|name| self.base(key, name)).transpose()?;
        let pairing = Pairing { key: key.to_owned(), base };
        if self.pairs_up(&pairing, false) { Ok(pairing) } else { Err(self.unpaired(&pairing)) }
    }

    /// The value of a key that is written so, here or in tables and titles.
    fn base(&self, key: &str, name: &str) -> Result<String, [String; 2]> {
        let axes = || self.keys.iter().flatten().filter(|axis| axis.key == key);
        let is_folder = |folder: &&Folder| {
            let path = folder.results.path("").display().to_string();
            key == SCENARIO && path.trim_end_matches('/') == name.trim_end_matches('/')
        };
        let by_folder = || self.tables.iter().flatten().find(is_folder).map(|folder| folder.label.clone());
        let value = axes().find_map(|axis| axis.values.iter().find(|value| axis.goes_by(value, name)));
        value.cloned().or_else(by_folder).ok_or_else(|| {
            let known: Vec<&str> = axes().flat_map(|axis| &axis.values).map(String::as_str).collect();
            [format!("no cell has {key} = {name}"), format!("its values are {}", known.join(", "))]
        })
    }

    /// True if a base has a fellow, where folders count as one with `any_folder`.
    fn pairs_up(&self, pairing: &Pairing, any_folder: bool) -> bool {
        self.tables.iter().zip(&self.keys).any(|(folders, keys)| {
            let groups = pairing.groups_of(folders, keys, any_folder).map(|(_, groups)| groups);
            groups.unwrap_or_default().iter().any(|(_, lines)| lines.len() > 1)
        })
    }

    fn unpaired(&self, pairing: &Pairing) -> [String; 2] {
        let key = &pairing.key;
        let values = self.keys.iter().flatten().filter(|axis| axis.key == *key);
        let based = pairing.base.as_ref().map_or_else(String::new, |base| format!(" with {key} = {base}"));
        let own = if key == SCENARIO { "their folders" } else { key.as_str() };
        let problem = format!("no two cells agree in all but {own}{based}");
        let help = if values.map(|axis| axis.values.len()).max() == Some(1) {
            format!("there is one value of {key}; name a further folder, or another axis")
        } else if key != SCENARIO && self.pairs_up(pairing, true) {
            "the cells are in different folders: `scenario` in place of the axis sets these against one another".to_owned()
        } else {
            "compare folders whose axes have values in common".to_owned()
        };
        [problem, help]
    }
}

impl Pairing {
    /// Lines that agree in all keys but the pairing's, by the values of these, in the order in which they first appear, the
    /// base before the others; with the keys. `None` where nothing varies by it.
    pub(super) fn groups<'a>(
        &self,
        folders: &'a [Folder],
        keys: &'a [Axis],
    ) -> Option<(Vec<&'a Axis>, Vec<Group<'a>>)> {
        self.groups_of(folders, keys, false)
    }

    fn groups_of<'a>(
        &self,
        folders: &'a [Folder],
        keys: &'a [Axis],
        any_folder: bool,
    ) -> Option<(Vec<&'a Axis>, Vec<Group<'a>>)> {
        let key = self.key.as_str();
        let own = keys.iter().find(|axis| axis.key == key)?;
        // Folders are set against one another whatever --set made of them.
        let varies = |axis: &&Axis| {
            key != SCENARIO
                || folders.iter().any(|folder| folder.results.study.axes.iter().any(|a| a.key == axis.key))
        };
        let counts = |axis: &&Axis| axis.key != key && !(any_folder && axis.key == SCENARIO);
        let shared: Vec<&Axis> = keys.iter().filter(counts).filter(varies).collect();
        let mut groups: Vec<Group<'a>> = Vec::new();
        for folder in folders {
            for cell in lines_of(folder) {
                let said = |axis: &Axis| folder.said(cell, &axis.key).unwrap_or_else(|| UNSAID.to_owned());
                let (names, own): (Vec<String>, _) =
                    (shared.iter().map(|axis| said(axis)).collect(), said(own));
                match groups.iter_mut().find(|(known, _)| *known == names) {
                    Some((_, lines)) => lines.push((own, folder, cell)),
                    None => groups.push((names, vec![(own, folder, cell)])),
                }
            }
        }
        if let Some(base) = &self.base {
            groups.retain(|(_, lines)| lines.iter().any(|(own, ..)| own == base));
            for (_, lines) in &mut groups {
                lines.sort_by_key(|(own, ..)| own != base);
            }
        }
        Some((shared, groups))
    }
}
