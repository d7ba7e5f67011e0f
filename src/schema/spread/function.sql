
-- Runs a statement that reads one shard of {table} on the server that has it, and keeps its plan. The query is one for a plain
-- PostgreSQL: its tables become those of the shard.
DECLARE
    statement text := name || '_' || {shard};
    command text := '';
    arg text;
    part record;
BEGIN
    FOREACH arg IN ARRAY args LOOP
        command := command || ', ' || quote_nullable(arg);
    END LOOP;
    command := format('EXECUTE %I (%s)', statement, substr(command, 3));
    BEGIN
        RETURN QUERY EXECUTE command;
        RETURN;
    EXCEPTION WHEN invalid_sql_statement_name OR syntax_error THEN
        -- It is the first time on this connection: a statement that is not prepared returns no rows.
        NULL;
    END;
    FOR part IN
        SELECT c.relname AS word, format('%I.%I', n.nspname, c.relname || '_' || s.shardid) AS shard
        FROM pg_dist_partition p JOIN pg_dist_shard s ON s.logicalrelid = p.logicalrelid
            JOIN pg_class c ON c.oid = p.logicalrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE pg_table_is_visible(c.oid) AND CASE
            WHEN p.partmethod = 'n' THEN true
            WHEN p.colocationid = (SELECT colocationid FROM pg_dist_partition WHERE logicalrelid = '{table}'::regclass)
                THEN s.shardid = get_shard_id_for_distribution_column(p.logicalrelid, key)
            ELSE false
        END
    LOOP
        IF query ~ ('\m' || part.word || '\M') AND to_regclass(part.shard) IS NULL THEN
            RAISE EXCEPTION '% is not on this server', part.shard USING ERRCODE = 'feature_not_supported';
        END IF;
        query := regexp_replace(query, '\m' || part.word || '\M', part.shard, 'g');
    END LOOP;
    IF (SELECT count(*) FROM pg_prepared_statements WHERE from_sql) >= 256 THEN
        -- The others are those of a driver that is connected to this server itself, and counts on them.
        FOR part IN SELECT p.name FROM pg_prepared_statements p WHERE p.from_sql LOOP
            EXECUTE format('DEALLOCATE %I', part.name);
        END LOOP;
    END IF;
    EXECUTE format('PREPARE %I (%s) AS %s', statement, types, query);
    RETURN QUERY EXECUTE command;
END
