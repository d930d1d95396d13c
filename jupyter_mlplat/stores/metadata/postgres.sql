-- What SQLite has and PostgreSQL has not, as far as the statements of this store use it.

CREATE COLLATION "nocase" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE FUNCTION whole(value double precision) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT trunc(value)::bigint $$;
CREATE FUNCTION whole(value text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT value::bigint $$;

-- The elements of an array, or the members of an object. Keys of an array sort as numbers do.
CREATE FUNCTION json_items(document text, OUT key text, OUT value text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 50 AS $$
    SELECT lpad(place::text, 12, '0'), element FROM json_array_elements_text(
        CASE json_typeof(document::json) WHEN 'array' THEN document::json ELSE '[]' END
    ) WITH ORDINALITY AS elements(element, place)
    UNION ALL
    SELECT name, member FROM json_each_text(
        CASE json_typeof(document::json) WHEN 'object' THEN document::json ELSE '{}' END
    ) AS members(name, member)
$$;

-- Always text; true is 1 and false is 0.
CREATE FUNCTION json_extract(document text, path text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE json_typeof(found) WHEN 'boolean' THEN
        CASE found #>> '{}' WHEN 'true' THEN '1' ELSE '0' END ELSE found #>> '{}' END
    FROM (SELECT document::json #> ARRAY(
        SELECT coalesce(('"' || step[1] || '"')::json #>> '{}', step[2])
        FROM regexp_matches(path, '\."((?:[^"\\]|\\.)*)"|\.([^."]+)', 'g') AS steps(step)
    ) AS found) AS looked
$$;

CREATE FUNCTION json(document text) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT document::json $$;
CREATE FUNCTION json_quote(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT to_json(value)::text $$;
CREATE FUNCTION json_set(document text, path text, value json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT jsonb_set(document::jsonb, ARRAY[substr(path, 3)], value::jsonb)::text $$;
CREATE FUNCTION json_set(document text, path text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT jsonb_set(document::jsonb, ARRAY[substr(path, 3)], to_jsonb(value))::text $$;

CREATE FUNCTION instr(value text, part text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT strpos(value, part) $$;
CREATE FUNCTION strftime(form text, moment text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT trunc(extract(epoch FROM moment::timestamptz))::bigint::text $$;

-- The patterns that `tracking_tables` writes: * and ?, and each of these, or [, in brackets.
CREATE FUNCTION glob(pattern text, value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT value LIKE replace(replace(replace(replace(replace(replace(replace(replace(replace(
        replace(replace(pattern, '\', '\\'), '%', '\%'), '_', '\_'),
        '[*]', E'\x01'), '[?]', E'\x02'), '[[]', E'\x03'),
        '*', '%'), '?', '_'), E'\x01', '*'), E'\x02', '?'), E'\x03', '[')
$$;
