//! The example of `docs/adding-a-resource.md`: notes, declared through the same API as the resources of the program.
//!
//! A note belongs to a user, moves to cold when it is old, and is paged over both tiers.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use secrecy::SecretString;
use serde::Serialize;
use thermocline::archive::{ArchiveOptions, BlockSizes, Due, Family, Moved, Mover, Outcome};
use thermocline::clock::{Clock, DAY, Timestamp};
use thermocline::federation::List;
use thermocline::federation::sql::{ListSpec, ListStatements, SqlList};
use thermocline::journal::pair;
use thermocline::page::{Key, ListId};
use thermocline::resources::resource::{Moves, Resource};
use thermocline::schema::{ColumnType, Dialect, Model, Table, column, emit, index, table};
use thermocline::tier::migrate::{self, Step, TierSchema};
use thermocline::tier::{Engine, Record, Sqlite, Tier, TierError, Value};
use thermocline::web::auth::{AuthSettings, Caller, KeySource, Verifier};
use thermocline::web::context::RequestContext;
use thermocline::web::list::{self, ListParameters, ListRequest, PageInfo, Shown};
use thermocline::web::problem::Problem;
use thermocline::web::state::App;
use thermocline_core::archived::{OPEN, batch_index, closed_index, original_index, versions};
use thermocline_core::journal_tables::{
    ARCHIVE_BATCHES, ARCHIVE_REJECTS, ERASURES_IN_COLD, ERASURES_IN_HOT, archive_control, archive_head,
    archive_state,
};
use thermocline_core::table::ID;
use tower::ServiceExt as _;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

// Step 1: the tables.

const NOTES: Table = table(
    "notes",
    &[
        ID,
        column("user_id", ColumnType::Int),
        column("body", ColumnType::Text),
        column("created_at", ColumnType::Time),
    ],
    "Notes that have not moved yet.",
)
.moves_to("notes_archive")
.indexes(&[
    index("notes_key", &["user_id", "created_at DESC", "id DESC"], "a user's notes"),
    index("notes_due", &["created_at", "id"], "the scan for what is due"),
]);

const NOTES_ARCHIVE: Table =
    table("notes_archive", &versions::<{ NOTES.columns.len() + 4 }>(NOTES.columns), "Notes that moved.")
        .key(&["user_id", "id"])
        .indexes(&[
            index(
                "notes_archive_open",
                &["user_id", "created_at DESC", "original_id DESC"],
                "a user's notes",
            )
            .unique()
            .only(OPEN),
            closed_index("notes_archive_closed"),
            original_index("notes_archive_original"),
            batch_index("notes_archive_batch"),
        ]);

// Step 2: the list. Its statements for every engine follow from the declaration.

/// One note.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Note {
    id: i64,
    user_id: i64,
    body: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// The notes of one user.
#[derive(Clone, Copy, Debug)]
struct Notes {
    user: i64,
}

static LIST: LazyLock<ListStatements> =
    LazyLock::new(|| ListSpec::new("notes", "notes", &NOTES).filtered_by(&["user_id"]).statements());

impl List for Notes {
    type Row = Note;

    fn name(&self) -> &'static str {
        "notes"
    }

    fn resource(&self) -> &'static str {
        "notes"
    }

    fn id(&self) -> ListId {
        ListId::of(&["notes", &self.user.to_string()])
    }

    fn key(&self, row: &Note) -> Key {
        Key::new(row.created_at, row.id)
    }
}

impl SqlList for Notes {
    fn statements(&self) -> &'static ListStatements {
        &LIST
    }

    fn filter(&self) -> Vec<Value> {
        vec![self.user.into()]
    }

    fn read(&self, record: &Record) -> Result<Note, TierError> {
        Ok(Note {
            id: record.int("id")?,
            user_id: record.int("user_id")?,
            body: record.text("body")?,
            created_at: record.time("created_at")?,
        })
    }
}

// Step 3: the route.

#[derive(Debug, Serialize, ToSchema)]
struct NotePage {
    notes: Vec<Shown<Note>>,
    #[serde(flatten)]
    page: PageInfo,
}

/// The caller's notes, newest first.
#[utoipa::path(get, path = "/api/notes", params(ListParameters), responses((status = 200, body = NotePage)))]
async fn page(caller: Caller, State(app): State<App>, context: RequestContext) -> Result<Response, Problem> {
    let notes = Notes { user: caller.user_id };
    let request = ListRequest::read(&notes, &context.params(&list::PARAMETERS)?)?;
    request.respond(&app, &notes, &context, "note", |notes, page| NotePage { notes, page }).await
}

fn note_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page))
}

// Step 4: how notes move.

thermocline::queries! {
    /// The statements that find due notes.
    mod queries = "notes" { Shared: "adding_a_resource.sql", Mssql: "adding_a_resource.mssql.sql" }
    [due, due_count]
}

static FAMILY: LazyLock<Family> = LazyLock::new(|| Family {
    resource: "notes",
    tables: vec![Moved::new(&NOTES, "id")],
    due: Due { pick: *queries::due(), count: *queries::due_count() },
    due_by_activity: None,
    by_day: false,
    key: |row| Key::new(row[3].time(), row[0].int()),
    blocks: None,
    supersede: None,
});

// Step 5: the resource. In the program this is a line of `resources/registry.rs` too.

static RESOURCE: Resource = Resource::new("notes", &[&NOTES])
    .in_cold(&[&NOTES_ARCHIVE], &[])
    .listed(&[&LIST])
    .querying(queries::all)
    .routed(note_routes)
    .moving(Moves { family: || &FAMILY, due_by_activity: false });

// What follows uses it. Migrations are files in the program; here they are made from the declaration.

static ARCHIVE_STATE: Table = archive_state(&["notes"]);
static ARCHIVE_HEAD: Table = archive_head(&["notes"]);
static ARCHIVE_CONTROL: Table = archive_control(&["notes"]);
static HOT: [&Table; 5] = [&NOTES, &ARCHIVE_STATE, &ARCHIVE_REJECTS, &ERASURES_IN_HOT, &ARCHIVE_CONTROL];
static COLD: [&Table; 4] = [&NOTES_ARCHIVE, &ARCHIVE_HEAD, &ARCHIVE_BATCHES, &ERASURES_IN_COLD];

async fn open(tier: Tier, tables: &'static [&'static Table], folder: &Path) -> Arc<dyn Engine> {
    let made = emit::create(Dialect::Sqlite, &Model::of(tables)).text(Dialect::Sqlite);
    let steps = vec![Step::new(1, "0001_notes", made.leak(), "DROP TABLE notes;\n")];
    let schema = TierSchema { tier, tables, sqlite: steps.leak(), postgres: &[], mssql: &[], live: None };
    let database = Sqlite::open(Box::leak(Box::new(schema)), &folder.join(tier.name())).await.expect("opens");
    migrate::upgrade(&database).await.expect("is made");
    Arc::new(database)
}

#[tokio::test]
async fn notes_are_archived_and_paged_over_both_tiers() {
    let folder = tempfile::tempdir().expect("a folder");
    let hot = open(Tier::Hot, &HOT, folder.path()).await;
    let cold = open(Tier::Cold, &COLD, folder.path()).await;
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().expect("a time");
    let clock = Clock::fixed(now);
    pair::ensure(&*hot, &*cold, &clock).await.expect("a pair");

    // Notes 1 to 10 are due, 11 to 15 are not; every third one is another user's.
    let note = |id: i64| {
        let age = if id <= 10 { 40 } else { 1 };
        vec![id.into(), (1 + i64::from(id % 3 == 0)).into(), "text".into(), now.plus(id - age * DAY).into()]
    };
    let columns: Vec<&str> = NOTES.columns.iter().map(|column| column.name).collect();
    let mut session = hot.session().await.expect("a session");
    session.begin(thermocline::tier::Begin::Write).await.expect("begins");
    session.insert(NOTES.name, &columns, &(1..=15).map(note).collect::<Vec<_>>()).await.expect("goes in");
    session.commit().await.expect("commits");

    let mover = Mover {
        hot: &*hot,
        cold: &*cold,
        clock: &clock,
        name: "test".to_owned(),
        sizes: BlockSizes::default(),
    };
    let options = ArchiveOptions { rule: (30 * DAY).into(), batch: 4, ..ArchiveOptions::default() };
    let family = RESOURCE.family().expect("notes move");
    let report = mover.run(family, &options, &AtomicBool::new(false), &mut |_| {}).await;
    assert_ne!(report.outcome, Outcome::Failed, "{:?}", report.error);

    let key = KeySource::Secret(SecretString::from("0123456789abcdef0123456789abcdef"));
    let settings = AuthSettings { key, issuer: None, audience: None };
    let verifier = Verifier::new(settings, clock.clone()).expect("long enough");
    let token = verifier.issue(1, None, 3600).expect("a token");
    let app = App::new(hot.clone(), Some(cold.clone()), Arc::new(verifier), clock.clone());
    let (router, _) = RESOURCE.routes.expect("notes have routes")().split_for_parts();
    let router = router.with_state(app);
    let (mut query, mut seen) = ("per_page=3".to_owned(), Vec::new());
    loop {
        let request = Request::get(format!("/api/notes?{query}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .expect("a request");
        let response = router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        let page: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        for note in page["notes"].as_array().expect("notes") {
            seen.push((note["id"].as_i64().expect("an id"), note["from_archive"] == true));
        }
        let Some(next) = page["next"].as_str() else { break };
        query = format!("before={next}&limit=3");
    }
    let expected: Vec<(i64, bool)> =
        (1..=15).rev().filter(|id| id % 3 != 0).map(|id| (id, id <= 10)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn every_statement_of_notes_has_a_text_for_its_engines() {
    let statements = RESOURCE.statements();
    assert_eq!(statements.len(), 21);
    for statement in statements {
        assert!(!statement.sqlite().contains('{'), "{}", statement.sqlite());
        assert!(statement.for_postgres().is_some(), "{}", statement.name);
        let in_cold = statement.about().is_some_and(|about| about.tier == "cold");
        assert_eq!(statement.for_mssql().is_none(), in_cold, "{}", statement.name);
    }
}
