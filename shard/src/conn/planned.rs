//! What must happen on a connection before a request, as statements that are not sent yet.

use super::ServerConn;
use crate::settings::Settings;
use smallvec::SmallVec;
use std::rc::Rc;

/// Between two statements of one packet.
const SEPARATOR: &[u8] = b"; ";

/// What is known of the connection once a prefix has succeeded.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Its settings are these.
    Settings(Rc<Settings>),
    /// Its database is this.
    Database(Rc<str>),
    /// Its clock is set, or runs again.
    Clock(bool),
    /// Nothing that a request does depends on it.
    Harmless,
    /// Nothing more than that it is done.
    Done,
}

/// What a prefix is for, in the order in which they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Settings and database.
    Session,
    /// The beginning of a transaction.
    Transaction,
    /// The next request alone.
    Request,
}

/// Statements of one section.
#[derive(Debug, Default)]
struct Prefixes {
    /// The statements, with a separator behind each.
    text: Vec<u8>,
    /// Where each statement ends in it.
    ends: SmallVec<[usize; 4]>,
    effects: SmallVec<[Effect; 4]>,
    has_semicolon: bool,
}

impl Prefixes {
    fn push(&mut self, statement: &str, effect: Effect) {
        self.text.extend_from_slice(statement.as_bytes());
        self.ends.push(self.text.len());
        self.text.extend_from_slice(SEPARATOR);
        self.effects.push(effect);
        self.has_semicolon |= statement.contains(';');
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.effects.clear();
        self.has_semicolon = false;
    }

    fn statements(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| end + SEPARATOR.len()));
        let ranges = starts.zip(&self.ends).map(|(from, to)| from..*to);
        ranges.map(|r| self.text.get(r).unwrap_or_default())
    }
}

/// What goes ahead of the next request.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    sections: [Prefixes; 3],
}

impl Planned {
    pub(super) fn count(&self) -> usize {
        self.sections.iter().map(|p| p.effects.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sections.iter().all(|p| p.effects.is_empty())
    }

    /// True if the request does the same without.
    pub(super) fn is_harmless(&self) -> bool {
        let mut all = self.sections.iter().flat_map(|p| &p.effects);
        all.all(|e| matches!(e, Effect::Harmless))
    }

    /// True if a statement has a semicolon in it, so that a server might see two where one is meant.
    pub(super) fn has_semicolon(&self) -> bool {
        self.sections.iter().any(|p| p.has_semicolon)
    }

    /// The text of all statements, with a separator behind each.
    pub(super) fn texts(&self) -> [&[u8]; 3] {
        self.sections.each_ref().map(|p| &p.text[..])
    }

    /// The text of all statements, ending with the last one.
    pub(super) fn text_alone(&self) -> Vec<u8> {
        let mut text = self.texts().concat();
        text.truncate(text.len().saturating_sub(SEPARATOR.len()));
        text
    }

    /// Each statement with its effect.
    pub(super) fn statements(&self) -> impl Iterator<Item = (&[u8], Effect)> {
        let each = |p: &'_ Prefixes| p.effects.clone();
        let effects = self.sections.iter().flat_map(each);
        let texts = self.sections.iter().flat_map(|p| p.statements());
        texts.zip(effects)
    }

    pub(super) fn take_effects(&mut self) -> SmallVec<[Effect; 4]> {
        let sections = self.sections.iter_mut();
        let effects = sections.flat_map(|p| p.effects.drain(..)).collect();
        self.sections.iter_mut().for_each(Prefixes::clear);
        effects
    }
}

impl ServerConn {
    /// Plans a statement ahead of the next request, behind those of its section.
    pub(crate) fn plan(&mut self, section: Section, statement: &str, effect: Effect) {
        self.planned.sections[section as usize].push(statement, effect);
    }

    /// Forgets what was planned in a section and not sent.
    pub(crate) fn unplan(&mut self, section: Section) {
        self.planned.sections[section as usize].clear();
    }

    /// Forgets everything that was planned and not sent.
    pub(crate) fn unplan_all(&mut self) {
        self.planned.sections.iter_mut().for_each(Prefixes::clear);
    }
}
