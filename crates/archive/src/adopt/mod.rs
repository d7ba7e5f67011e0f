//! Adopting a platform's own archive: its tables in PostgreSQL become versions, journal entries and counts.
//!
//! | phase | |
//! |---|---|
//! | `found` | the tables wait in a schema of their own (`aside`); ours are empty |
//! | `copying` | rows that cannot become versions are kept aside; the others are copied inside PostgreSQL, a batch at a time, each with its own number, entry and digest (`copy`). No reader sees them: hot's epoch is lower |
//! | `copied` | the copies are counted in blocks and as user actions (`raise`) |
//! | `raised` | one commit in hot has raised its epoch above all batches. Every copy became visible at once |
//! | `done` | rows that both databases held have left one of them, and children have followed their post (`repair`, `strays`) |
//!
//! A row that hot holds while it would be copied is kept back, so no row is ever visible twice. After the epoch was raised,
//! ordinary moves take such rows out of hot if they are as the archive has them. All else stays in hot: its value wins.
//!
//! Each step is one transaction that notes how far it came, so the process may be killed at any time, and the next run goes
//! on. The claim row fences off a second one. The platform's own tables are only read.

mod activity;
mod aside;
mod back_out;
mod bring;
mod copy;
mod erased;
mod look;
mod original;
mod progress;
mod queries;
mod raise;
mod repair;
mod report;
mod run;
mod source;
mod strays;

pub use activity::{ActivitySource, show as show_activity};
pub use aside::{finish, put_back, set_aside};
pub use back_out::{return_to_hot, unpair};
pub use bring::{Brought, bring};
pub use erased::forget_erased;
pub use look::is_empty;
pub use original::{ACTIVITY, Original, SCHEMA, UTC, find};
pub use progress::{Phase, TableProgress, copying, read as progress, set_zone, unfinished};
pub use queries::statements;
pub use report::{Class, TableReport};
pub use run::{Adoption, OnStep, Step};
pub use source::Source;
