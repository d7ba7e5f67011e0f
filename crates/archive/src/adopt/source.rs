//! A table of the platform as the source of the rows of a family.

use std::collections::BTreeSet;

use super::original::{Original, Reader};
use super::queries::sql;
use crate::model::{DATETIME_STEP, Family, Moved};
use thermocline_core::clock::Timestamp;
use thermocline_core::table::ColumnType;
use thermocline_database::adoption::PlatformZone;
use thermocline_database::{Session, Statement, TierError, Value};

/// The ids that one statement reads of a column.
const REFERENCES: i64 = 50_000;

/// A table of the platform whose rows become versions of a family's own table.
#[derive(Debug)]
pub struct Source<'a> {
    /// The table.
    pub original: Original,
    /// The family.
    pub family: &'a Family,
    /// The columns of ours that it lacks, and what stands for them.
    pub absent: Vec<String>,
    /// Its columns that ours lacks: they stay in it.
    pub ignored: Vec<String>,
    /// An expression for each column of the row, in declared order.
    values: Vec<String>,
    /// Whether each column is read, and not made up.
    is_read: Vec<bool>,
    archived: String,
    reason: String,
    /// The columns that are equal in two copies of one row.
    key: String,
}

impl<'a> Source<'a> {
    /// Finds the columns of a family's own table in a table of the platform.
    ///
    /// # Errors
    /// Every column that is missing or cannot be read.
    pub fn of(
        original: &Original,
        family: &'a Family,
        zone: Option<PlatformZone>,
    ) -> Result<Self, Vec<String>> {
        let mut reader = Reader::new(original, zone);
        let (mut values, mut is_read, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        let archived = reader.optional("archived_at", ColumnType::Time);
        let archived = archived.unwrap_or_else(|| "NULL::timestamptz".to_owned());
        let mut known: BTreeSet<&str> = BTreeSet::from(["id", "archived_at"]);
        for column in family.own().table.columns {
            let name = column.archived;
            known.insert(name);
            let made_up = match name {
                _ if original.columns.contains_key(name) => None,
                // A price is found by its stock and day. The ids of hot are positive.
                "original_id" if family.by_day => Some(("(-s.id)::bigint", "the negative id of the archive")),
                "is_read" => Some(("TRUE", "every row counts as read")),
                "created_at" if family.by_day => Some((archived.as_str(), "the time of archiving")),
                _ if column.nullable => Some(("NULL", "no value")),
                _ => None,
            };
            if let Some((_, meaning)) = made_up {
                absent.push(format!("{}.{name}: {meaning}", original.name));
            }
            is_read.push(made_up.is_none() && !(family.by_day && name == "created_at"));
            values.push(match made_up {
                Some((value, _)) => value.to_owned(),
                None if column.nullable => reader.optional(name, column.kind).unwrap_or_default(),
                None if name == "created_at" && family.by_day => {
                    let value = reader.optional(name, column.kind).unwrap_or_default();
                    format!("coalesce({value}, {archived}, now())")
                }
                None if name == "is_read" => {
                    let value = reader.optional(name, column.kind).unwrap_or_default();
                    format!("coalesce({value}, TRUE)")
                }
                None => reader.required(name, column.kind),
            });
        }
        if !reader.obstacles.is_empty() {
            return Err(reader.obstacles);
        }
        let position = |name: &str| family.own().table.columns.iter().position(|column| column.name == name);
        let key = match (family.by_day, position("stock_id"), position("trade_date")) {
            (true, Some(stock), Some(day)) => format!("{}, {}", values[stock], values[day]),
            _ => values[0].clone(),
        };
        let ignored = original.columns.keys().filter(|name| !known.contains(name.as_str()));
        let ignored = ignored.map(|name| format!("{}.{name}", original.name)).collect();
        let reason = reader.reason();
        let original = original.clone();
        Ok(Self { original, family, absent, ignored, values, is_read, archived, reason, key })
    }

    /// Returns the table that it fills.
    pub fn moved(&self) -> &'a Moved {
        self.family.own()
    }

    /// Returns whether a row of hot is the row as the archive has it, as far as the archive holds its columns.
    pub(super) fn is_same(&self, archived: &[Value], hot: &[Value]) -> bool {
        let close = |a: Timestamp, b: Timestamp| (a.micros() - b.micros()).abs() <= DATETIME_STEP;
        let pairs = archived.iter().zip(hot).zip(&self.is_read);
        pairs.filter(|(_, is_read)| **is_read).all(|((a, b), _)| match (a, b) {
            (Value::Time(a), Value::Time(b)) => close(*a, *b),
            (a, b) => a == b,
        })
    }

    /// Binds a template to the table.
    pub(super) fn sql(&self, template: &Statement) -> Statement {
        let table = self.moved().table;
        let named = table.columns.iter().zip(&self.values);
        let named: Vec<String> = named.map(|(column, value)| format!("{value} AS {}", column.name)).collect();
        let targets: Vec<&str> = table.columns.iter().map(|column| column.archived).collect();
        let texts = table.columns.iter().zip(&self.values).filter(|(c, _)| c.kind == ColumnType::Text);
        let bytes: Vec<String> =
            texts.map(|(_, value)| format!("coalesce(octet_length({value}), 0)")).collect();
        let values = self.values.join(", ");
        let losers = sql::losers().for_postgres().unwrap_or_default();
        let author = self.moved().action.map(|action| action.user);
        let column = author.map_or("id", |at| table.columns[at].archived);
        template.bind(
            &self.original.name,
            &[
                ("losers", losers),
                ("named", &named.join(", ")),
                ("targets", &targets.join(", ")),
                ("bytes", &if bytes.is_empty() { "0".to_owned() } else { bytes.join(" + ") }),
                ("values", &values),
                ("shown", &values),
                ("original", &self.values[0]),
                ("archived", &self.archived),
                ("reason", &self.reason),
                ("key", &self.key),
                ("author", author.map_or("NULL", |at| &self.values[at])),
                ("column", column),
                ("name", &self.original.name),
                ("table", self.moved().archived),
                ("columns", &table.names_in_cold()),
                ("source", &self.original.place()),
            ],
        )
    }

    /// Returns the next ids that its rows refer to in a column of ours, above `last`.
    pub async fn references(
        &self,
        cold: &mut dyn Session,
        column: &str,
        last: i64,
    ) -> Result<Vec<i64>, TierError> {
        let records = cold.fetch(&self.referring(column), &[last.into(), REFERENCES.into()]).await?;
        records.iter().map(|record| record.int("id")).collect()
    }

    fn referring(&self, column: &str) -> Statement {
        let at = self.moved().table.columns.iter().position(|known| known.name == column).unwrap_or_default();
        let subject = format!("{}.{column}", self.original.name);
        let (reason, source) = (self.reason.as_str(), self.original.place());
        let values = [("referring", &*self.values[at]), ("reason", reason), ("source", &*source)];
        sql::references().bind(&subject, &values)
    }

    /// Binds a template that counts adopted rows in the scope of an expression.
    pub(super) fn count(&self, template: &Statement, blocks: &'static str, scope: &str) -> Statement {
        let subject = format!("{blocks}, {scope}");
        template.bind(&subject, &[("blocks", blocks), ("scope", scope), ("table", self.moved().archived)])
    }

    /// Returns the statement that counts adopted rows as user actions, if they are any.
    pub(super) fn count_actions(&self) -> Option<Statement> {
        let (moved, resource) = (self.moved(), self.family.resource);
        let action = moved.action?;
        let author = moved.table.columns[action.user].archived;
        let values =
            [("author", author), ("action", action.name), ("resource", resource), ("table", moved.archived)];
        Some(sql::count_actions().bind(resource, &values))
    }

    /// Returns every statement about the table.
    pub(super) fn statements(&self) -> Vec<Statement> {
        let mut all: Vec<Statement> = [
            sql::sort_out(),
            sql::sorted_out(),
            sql::page(),
            sql::look(),
            sql::known(),
            sql::copy(),
            sql::copied(),
            sql::original_rows(),
            sql::differs(),
            sql::set_aside(),
            sql::drop_original(),
            sql::forget_copies(),
            sql::forget_original(),
            sql::forget_author(),
            sql::forget_kept(),
        ]
        .map(|template| self.sql(template))
        .into();
        let columns = self.moved().table.columns.iter().filter(|column| column.references.is_some());
        all.extend(columns.map(|column| self.referring(column.name)));
        all.extend(self.count_actions());
        if let Some(blocks) = &self.family.blocks {
            for scope in blocks.expressions {
                all.push(self.count(sql::count_leaves(), blocks.table, scope));
            }
            all.push(self.count(sql::count_nodes(), blocks.table, "all"));
        }
        all
    }
}
