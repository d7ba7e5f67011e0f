//! What is said to whoever runs a command, and asked of him.

use std::fmt::Arguments;
use std::io::{BufRead as _, IsTerminal as _, Write};

use super::Failure;

/// Says a line on standard output: what was asked for.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::talk::line(std::io::stdout(), format_args!($($text)*)) };
}

/// Says a line on standard error: what is in the way, and whatever is no answer.
macro_rules! complain {
    ($($text:tt)*) => { $crate::cli::talk::line(std::io::stderr(), format_args!($($text)*)) };
}

/// Writes a line. That nobody reads any more (`| head`) is no reason to stop half-way, as `println!` does.
pub(super) fn line(mut out: impl Write, text: Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}

/// Goes on when it was told to in advance, or is told so now.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{question}\nThere is nobody to ask here: say so with --yes")));
    }
    let mut out = std::io::stderr();
    let asked = write!(out, "{question}\nType yes to go on: ").and_then(|()| out.flush());
    asked.map_err(Failure::of)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Failure::of)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::Failed("nothing was changed".to_owned())) }
}
