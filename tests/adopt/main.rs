//! The adoption of a platform's own archive: its tables, its archiver with its crashes, and a list of what must be shown.

use thermocline_testing as support;

mod back_out;
mod erasure;
mod hot;
mod kills;
mod old_hot;
mod oracle;
mod platform;
mod program;
mod rights;
mod shapes;
mod whole;
