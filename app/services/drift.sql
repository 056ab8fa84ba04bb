-- What the catalogue says of everything the console declares: one query for each kind, of (name, definition).
-- Alembic's own table is left out: nothing declares it.

--: relation
SELECT c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                  ELSE 'kind ' || c.relkind::text END || ' of ' || pg_get_userbyid(c.relowner)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'app') AND c.relname <> 'alembic_version' AND c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f')

--: row-level security
SELECT c.relname, CASE WHEN c.relrowsecurity THEN 'on' ELSE 'off' END
                  || CASE WHEN c.relforcerowsecurity THEN ', forced' ELSE ', not forced' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'app') AND c.relname <> 'alembic_version' AND c.relkind IN ('r', 'p')

--: column
SELECT c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
         CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
         CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END,
         CASE WHEN a.attgenerated <> '' THEN 'GENERATED' END)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname IN ('public', 'app') AND c.relname <> 'alembic_version' AND c.relkind IN ('r', 'p', 'm', 'v')
  AND a.attnum > 0 AND NOT a.attisdropped

--: constraint
SELECT c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)
         || CASE WHEN k.convalidated THEN '' ELSE ' NOT VALID' END
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'app') AND c.relname <> 'alembic_version' AND k.contype <> 'n'

--: index
SELECT i.relname, pg_get_indexdef(i.oid) || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'app') AND c.relname <> 'alembic_version'

--: view
SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'app') AND c.relname <> 'alembic_version' AND c.relkind IN ('v', 'm')

--: replica identity
SELECT c.relname, CASE c.relreplident WHEN 'd' THEN 'the primary key' WHEN 'f' THEN 'the whole row' WHEN 'n' THEN 'nothing'
                  ELSE coalesce((SELECT 'index ' || i.indexrelid::regclass::text FROM pg_index i
                                 WHERE i.indrelid = c.oid AND i.indisreplident), 'an index that is gone') END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'app') AND c.relname <> 'alembic_version' AND c.relkind IN ('r', 'p')

--: publication
SELECT pubname, concat_ws(' ', pg_get_userbyid(pubowner), CASE WHEN puballtables THEN 'ALL TABLES' END,
         CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END, CASE WHEN pubdelete THEN 'delete' END,
         CASE WHEN pubtruncate THEN 'truncate' END, 'generated ' || pubgencols::text)
FROM pg_publication

--: live columns
SELECT pubname || '.' || tablename, array_to_string(attnames, ', ') || coalesce(' WHERE ' || rowfilter, '')
FROM pg_publication_tables

--: policy
SELECT tablename || '.' || policyname, concat_ws(' ', permissive, cmd, 'TO', array_to_string(ARRAY(
         SELECT unnest(roles)::text ORDER BY 1), ', '), 'USING ' || qual, 'WITH CHECK ' || with_check)
FROM pg_policies WHERE schemaname IN ('public', 'app')

--: trigger
SELECT c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN ''
         WHEN 'D' THEN ' (disabled)' WHEN 'R' THEN ' (fires on replicas only)' ELSE ' (fires always)' END
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'app') AND NOT t.tgisinternal

--: function
SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       pg_get_functiondef(p.oid) || ' OWNER ' || pg_get_userbyid(p.proowner)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('public', 'app') AND p.prokind IN ('f', 'p')

--: rule
SELECT c.relname || '.' || r.rulename, pg_get_ruledef(r.oid)
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'app') AND r.rulename <> '_RETURN'

--: grant
SELECT g.privilege_type || ' on ' || c.relname || ' to ' || coalesce(r.rolname, 'everybody'),
       CASE WHEN g.is_grantable THEN 'with grant option' ELSE 'given' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
     aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) g
     LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE n.nspname IN ('public', 'app') AND c.relname <> 'alembic_version' AND c.relkind IN ('r', 'p', 'm', 'v', 'S')
UNION ALL
SELECT g.privilege_type || ' on ' || c.relname || '.' || a.attname || ' to ' || coalesce(r.rolname, 'everybody'),
       CASE WHEN g.is_grantable THEN 'with grant option' ELSE 'given' END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
     aclexplode(a.attacl) g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE n.nspname IN ('public', 'app') AND NOT a.attisdropped
UNION ALL
SELECT g.privilege_type || ' on function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid)
         || ') to ' || coalesce(r.rolname, 'everybody'),
       CASE WHEN g.is_grantable THEN 'with grant option' ELSE 'given' END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
     aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE n.nspname IN ('public', 'app')
UNION ALL
SELECT g.privilege_type || ' on schema ' || n.nspname || ' to ' || coalesce(r.rolname, 'everybody'),
       CASE WHEN g.is_grantable THEN 'with grant option' ELSE 'given' END
FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
     LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE n.nspname IN ('public', 'app')

--: default privileges
SELECT pg_get_userbyid(d.defaclrole) || ' for ' || d.defaclobjtype::text, d.defaclacl::text FROM pg_default_acl d

--: type
SELECT t.typname, t.typtype::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname IN ('public', 'app') AND t.typtype IN ('d', 'e', 'r') AND t.typrelid = 0

--: extension
SELECT extname, extversion FROM pg_extension
