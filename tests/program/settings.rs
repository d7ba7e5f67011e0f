//! Settings as the program meets them: in a cluster, misspelt, in broken files, and on files that are not there.

use std::os::unix::fs::PermissionsExt as _;

use crate::runs::Folder;
use crate::support::small_disk::SmallDisk;

const SECRET: (&str, &str) = ("JWT_SECRET", "0123456789abcdef0123456789abcdef");

#[test]
fn the_variables_of_a_cluster_disturb_no_command() {
    let folder = Folder::new();
    let cluster = [
        ("THERMOCLINE_PORT", "tcp://10.96.0.7:8080"),
        ("THERMOCLINE_PORT_8080_TCP", "tcp://10.96.0.7:8080"),
        ("THERMOCLINE_PORT_8080_TCP_PROTO", "tcp"),
        ("THERMOCLINE_SERVICE_HOST", "10.96.0.7"),
        ("THERMOCLINE_SERVICE_PORT", "8080"),
        ("POSTGRES_PORT", "tcp://10.96.0.9:5432"),
        SECRET,
    ];
    for args in [&["token", "--user", "1"][..], &["db", "upgrade"], &["check"]] {
        let ended = folder.run(args, &cluster);
        assert_eq!(ended.status, Some(0), "{args:?}: {ended:?}");
    }
    for (name, value) in
        [("THERMOCLINE_PORT", "8080"), ("THERMOCLINE_LOGS", "info"), ("THERMOCLINE_LOG", "verbose")]
    {
        let ended = folder.run(&["token", "--user", "1"], &[SECRET, (name, value)]);
        assert!(ended.status == Some(2) && ended.err.contains(name), "{name}={value}: {ended:?}");
    }
}

#[test]
fn half_a_configuration_is_an_error_and_makes_no_file() {
    let folder = Folder::new();
    for variables in [
        &[("HOT_DATABASE_URL", ""), ("COLD_DATABASE_URL", ""), ("MSSQL_HOTS", "db"), ("MSSQL_USER", "sa")][..],
        &[("HOT_DATABASE_URL", ""), ("COLD_DATABASE_URL", ""), ("MSSQL_USER", "sa")],
        &[("HOT_DATABASE_URL", "")],
        &[("POSTGRES_HOST", "db")],
        &[("HOT_DATABASE_URL", "mssql://sa:x@db/shop?encript=yes")],
        &[("COLD_DATABASE_URL", "postgres://db/cold?sslmod=verify-full")],
    ] {
        let ended = folder.run(&["serve", "--addr", "127.0.0.1:0"], &[variables, &[SECRET]].concat());
        assert_eq!(ended.status, Some(2), "{variables:?}: {ended:?}");
    }
    let made: Vec<_> = folder.path().read_dir().expect("a folder").collect();
    assert!(made.is_empty(), "{made:?}");
}

#[test]
fn a_command_that_only_looks_makes_no_file() {
    let folder = Folder::new();
    for args in [
        &["check"][..],
        &["archive", "status"],
        &["archive", "verify"],
        &["archive", "run"],
        &["archive", "vacuum"],
        &["archive", "recover"],
        &["db", "check"],
        &["db", "current"],
    ] {
        let ended = folder.run(args, &[SECRET]);
        assert_ne!(ended.status, Some(2), "{args:?}: {ended:?}");
        let made: Vec<_> = folder.path().read_dir().expect("a folder").collect();
        assert!(made.is_empty(), "{args:?} made {made:?}");
    }
    let status = folder.run(&["archive", "status"], &[]);
    assert!(status.status == Some(1) && status.err.contains("there is no file hot.db"), "{status:?}");
}

#[test]
fn files_with_messages_are_readable_by_their_owner_alone() {
    let folder = Folder::new();
    folder.write(
        "messages.csv",
        "id,conversation_id,sender_id,content,created_at\n1,1,1,hello,2026-01-01\n2,1,1,bad,never\n",
    );
    let ended = folder.run(&["import", "messages", "messages.csv"], &[]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for name in ["hot.db", "cold.db", "messages.rejects.csv"] {
        let mode = folder.path().join(name).metadata().expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_broken_settings_file_is_reported_without_its_text() {
    let folder = Folder::new();
    folder.write(
        "thermocline.toml",
        "addr = '127.0.0.1:0'\njwt_secret = \"hunter2-hunter2-hunter2-hunter2-hunter2\n",
    );
    let ended = folder.run(&["check"], &[]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(
        ended.err.contains("thermocline.toml, line 2, column ") && !ended.err.contains("hunter2"),
        "{ended:?}"
    );
}

#[test]
fn a_disk_that_is_full_at_start_is_named() {
    let disk = match SmallDisk::of(1) {
        Ok(disk) => disk,
        Err(reason) => return eprintln!("skipped, no small file system can be mounted: {reason}"),
    };
    let folder = Folder::new();
    let hot = format!("sqlite:{}", disk.path().join("hot.db").display());
    for left in [0, 40, 120] {
        disk.fill(left);
        let ended = folder.run(
            &["serve", "--addr", "127.0.0.1:0"],
            &[SECRET, ("HOT_DATABASE_URL", &hot), ("THERMOCLINE_TRIES", "1")],
        );
        assert_eq!(ended.status, Some(1), "{left} KiB: {ended:?}");
        assert!(ended.err.contains("disk is full") && ended.err.contains("hot"), "{left} KiB: {ended:?}");
        disk.clear();
        for file in disk.path().read_dir().expect("the disk").flatten() {
            std::fs::remove_file(file.path()).expect("removed");
        }
    }
}
