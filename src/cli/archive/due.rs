//! What is due, by settings and flags.

use crate::archive::Rule;
use crate::cli::args;
use crate::config;

/// How old a row must be, and by what.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// How old a row must be to be due [default: as in the settings, or 30d]
    #[arg(long, value_parser = args::span)]
    older_than: Option<i64>,
    /// What posts are due by: when they were made, or when they were last commented on [default: as in the settings, or
    /// created]
    #[arg(long, value_name = "WHAT", value_parser = ["created", "activity"])]
    posts_due: Option<String>,
}

impl Args {
    /// What flags say, over what the settings do.
    pub fn rule(&self, settings: &config::ArchiveSettings, resource: &str) -> Rule {
        let rule = rule(settings, resource);
        Rule {
            older_than: self.older_than.unwrap_or(rule.older_than),
            by_activity: self.posts_due.as_deref().map_or(rule.by_activity, |due| due == "activity"),
        }
    }
}

/// What the settings say.
pub fn rule(settings: &config::ArchiveSettings, resource: &str) -> Rule {
    let config::DueSettings { older_than, by_activity } = settings.due(resource);
    Rule { older_than, by_activity }
}
