//! The declaration of a resource that moves.

use std::collections::BTreeMap;

use super::moved::Moved;
use super::retention::{Due, Rule};
use thermocline_core::clock::Timestamp;
use thermocline_core::keyset::Key;
use thermocline_database::{Statement, Value};

/// A resource that moves: its tables, and the identity, date and counts of its rows.
#[derive(Debug)]
pub struct Family {
    /// The resource, as its row in `archive_state` names it.
    pub resource: &'static str,
    /// Its tables: children first, since they are removed first; the resource's own table last.
    pub tables: Vec<Moved>,
    /// The statements that select due rows.
    pub due: Due,
    /// The same when recent children keep a row in hot; `None` where children have no times.
    pub due_by_activity: Option<Due>,
    /// Whether rows are dated by day rather than by instant.
    pub by_day: bool,
    /// Returns the key of a row of the resource's own table.
    pub key: fn(&[Value]) -> Key,
    /// The counted blocks of its lists, if they have any.
    pub blocks: Option<Blocks>,
    /// The statements by which a row replaces an archived one, if it can.
    pub supersede: Option<Supersede>,
}

impl Family {
    /// Returns the resource's own table.
    ///
    /// # Panics
    /// For a family without tables.
    pub fn own(&self) -> &Moved {
        self.tables.last().expect("a family has its own table")
    }

    /// Returns the tables of its children.
    pub fn children(&self) -> &[Moved] {
        self.tables.split_last().map_or(&[], |(_, children)| children)
    }

    /// Returns the time or day before which rows are due.
    pub fn cutoff(&self, now: Timestamp, rule: Rule) -> Value {
        let cutoff = now.plus(rule.older_than.saturating_neg());
        if self.by_day { cutoff.date().into() } else { cutoff.into() }
    }

    /// Returns the statements for a rule. A resource whose children have no times ignores activity.
    pub fn due(&self, rule: Rule) -> &Due {
        self.due_by_activity.as_ref().filter(|_| rule.by_activity).unwrap_or(&self.due)
    }

    /// Returns the tables of its counted blocks and of their signatures.
    pub fn counted(&self) -> impl Iterator<Item = &'static str> {
        let signatures = self.blocks.iter().filter_map(|blocks| blocks.signatures.as_ref());
        self.blocks.iter().map(|blocks| blocks.table).chain(signatures.map(|signatures| signatures.table))
    }

    /// Returns the name of the rows of one of its tables: the resource itself, or the table of children.
    pub fn noun(&self, moved: &Moved) -> &'static str {
        if self.own().table == moved.table { self.resource } else { moved.table.name }
    }
}

/// The counted blocks of a family.
#[derive(Debug)]
pub struct Blocks {
    /// Their table.
    pub table: &'static str,
    /// Returns the scopes in which a row counts.
    pub scopes: fn(&[Value]) -> Vec<i64>,
    /// The same as SQL: one expression over a row in cold for each scope.
    pub expressions: &'static [&'static str],
    /// Returns the statement that reads the open keys between two bounds of a scope.
    pub keys: fn(i64) -> &'static Statement,
    /// The signatures of the blocks, if their texts are searched.
    pub signatures: Option<Signatures>,
}

/// The signatures of the counted blocks of a family.
#[derive(Debug)]
pub struct Signatures {
    /// Their table.
    pub table: &'static str,
    /// Returns the statement that reads the open keys between two bounds of a scope with their texts.
    pub texts: fn() -> &'static Statement,
}

impl Blocks {
    /// Binds those of some templates that the blocks have a use for.
    pub fn all(&self, templates: Vec<&'static Statement>) -> Vec<Statement> {
        let is_used =
            |template: &&Statement| self.signatures.is_some() || !template.sqlite().contains("{signatures}");
        templates.into_iter().filter(is_used).map(|template| self.sql(template)).collect()
    }

    /// Binds a template to the table of blocks.
    pub fn sql(&self, template: &Statement) -> Statement {
        let signatures = self.signatures.as_ref().map_or("", |signatures| signatures.table);
        let values = [("blocks", self.table), ("table", self.table), ("signatures", signatures)];
        template.bind(self.table, &values)
    }
}

/// Replacement of an archived row by one with another id but the same group and member: for prices, a stock and a day.
#[derive(Debug)]
pub struct Supersede {
    /// Closes the open versions that the rows of a batch replace. Parameters: a group, its members in the batch, the epoch.
    pub statement: Statement,
    /// Reads the given members that are in hot, as days with their ids, and locks them until the transaction ends. Parameters:
    /// a group, its members.
    pub in_hot: Statement,
    /// Returns group and member of a row of the resource's own table, as integers.
    pub of: fn(&[Value]) -> (i64, i64),
}

impl Supersede {
    /// Returns the members of rows of the resource's own table, by group.
    pub fn groups<'a>(&self, own: impl Iterator<Item = &'a [Value]>) -> BTreeMap<i64, Vec<i64>> {
        let mut groups: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (group, member) in own.map(|row| (self.of)(row)) {
            groups.entry(group).or_default().push(member);
        }
        groups
    }
}
