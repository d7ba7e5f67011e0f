//! `thermocline man`

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::failure::Failure;

/// Print the manual page, or write one for each command
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline man | man -l -
  thermocline man --dir /usr/local/share/man/man1")]
pub struct Args {
    /// Write a page for each command into this folder, which is created if it is missing
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let command = super::Cli::command();
    if let Some(folder) = &args.dir {
        let failed = |error| Failure::Failed(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        return clap_mangen::generate_to(command, folder).map_err(failed);
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(Failure::of)?;
    outln!("{}", String::from_utf8_lossy(&page).trim_end());
    Ok(())
}
