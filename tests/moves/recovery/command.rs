//! The command `archive recover`.

use crate::program::{Program, counts};
use crate::{COLD, HOT};

#[test]
fn the_command_shows_asks_and_recovers() {
    let program = Program::new();
    let folder = program.path();
    let backup = |name: &str| {
        std::fs::copy(folder.join(name), folder.join(format!("{name}.backup"))).expect("a copy");
    };
    let put_back = |name: &str| {
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("{name}{suffix}")));
        }
        std::fs::copy(folder.join(format!("{name}.backup")), folder.join(name)).expect("a copy");
    };
    let messages = |from: i64| {
        let rows = (from..from + 5).map(|id| format!("{id},1,1,text,2020-01-0{}\n", 1 + id % 5));
        format!("id,conversation_id,sender_id,content,created_at\n{}", rows.collect::<String>())
    };
    program.write("a.csv", messages(1));
    program.write("b.csv", messages(11));
    program.report(&["import", "messages", "a.csv"]);
    program.report(&["archive", "run"]);
    program.report(&["import", "messages", "b.csv"]);
    let fits = program.run(&["archive", "recover"]);
    assert!(fits.status == Some(0) && fits.out.contains("messages: consistent, at move 1"), "{fits:?}");
    backup(HOT);
    backup(COLD);
    program.report(&["archive", "run"]);
    put_back(HOT);
    for refused in [&["archive", "run"][..], &["archive", "vacuum"], &["import", "messages", "a.csv"]] {
        let ended = program.run(refused);
        assert!(ended.status == Some(1) && ended.err.contains("archive recover"), "{refused:?}: {ended:?}");
    }
    let seen = program.report(&["archive", "recover", "--dry-run"]);
    assert_eq!((&seen[0]["closed"], &seen[0]["epoch"]), (&5.into(), &serde_json::Value::Null), "{seen}");
    assert_eq!(program.run(&["archive", "recover"]).status, Some(2), "there is nobody to ask");
    let ended = program.run(&["archive", "recover", "--yes"]);
    assert!(ended.status == Some(0) && ended.out.contains("messages: recovered"), "{ended:?}");
    assert_eq!(program.report(&["archive", "run"])[0]["rows"], 5);

    put_back(COLD);
    let ended = program.run(&["archive", "recover", "--yes"]);
    assert!(ended.status == Some(1) && ended.err.contains("--accept-loss messages:2-"), "{ended:?}");
    let seen = program.report(&["archive", "recover", "--dry-run"]);
    let loss = format!("messages:{}-{}", seen[0]["lost"][0], seen[0]["lost"][1]);
    let ended = program.run(&["archive", "recover", "--accept-loss", &loss, "--yes"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let moves = loss.trim_start_matches("messages:");
    assert!(ended.err.contains(&format!("\"lost\":\"{moves}\"")), "{}", ended.err);
    let backwards = program.run(&["archive", "recover", "--accept-loss", "messages:3-1", "--yes"]);
    assert_eq!(backwards.status, Some(2), "{backwards:?}");
    let again = program.report(&["import", "messages", "b.csv"]);
    assert_eq!(counts(&again), [5, 5, 0, 0, 0], "what is lost can be imported again: {again}");
    let again = program.report(&["import", "messages", "a.csv"]);
    assert_eq!(counts(&again), [5, 0, 5, 0, 0], "the rest is known: {again}");
}
