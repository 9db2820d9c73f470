"""Finding dwellings: the state of each track as it is now, names of streets, the indexes that lead to dwellings, and the functions that search.

Row-level security lets PostgreSQL use no index for a condition that might tell of a row before the policy has judged it: likeness of text, places in a
box, a join with the tracks. So who searches asks two functions, that run as the owner, look for nothing but what whoever acts sees, and give ids. What
comes before a dwelling of a portfolio (migration 0019, released together with this one) is seen too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

API = "registry_api"
TODAY = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
SECURE = "SECURITY DEFINER SET search_path = public, pg_temp"
TRACKS = ("acquisition", "renovation", "sustainability", "demolition", "construction")
STATES = ("planned", "started", "completed", "cancelled")
TILE = "(floor(longitude * 200)::bigint * 100000 + floor(latitude * 200)::bigint)"
"""The square of 0.005 degrees in which a dwelling lies."""

# -- The state of each track -----------------------------------------------------------------------------------------------------------------------

COLUMNS = "trajectory_id, track, dwelling_id, state, planned_for, started_on, completed_on, cancelled_on"
KEPT = ("dwelling_id", "state", "planned_for", "started_on", "completed_on", "cancelled_on")


def in_force(among: str, track: str = "") -> str:
    """Each track with a milestone in force, of the trajectories ``among`` that were not withdrawn; the last word decides, as in `rules.track_states`."""
    days = ", ".join(f"max(said.effective_on) FILTER (WHERE said.kind = '{kind}')" for kind in STATES)
    return f"""SELECT said.trajectory_id, said.track, said.dwelling_id,
        CASE WHEN bool_or(said.kind = 'cancelled') THEN 'cancelled' WHEN bool_or(said.kind = 'completed') THEN 'completed'
            WHEN bool_or(said.kind = 'started') THEN 'started' ELSE 'planned' END, {days}
    FROM {among} JOIN trajectory ON trajectory.id = among.trajectory_id AND trajectory.withdrawn_at IS NULL
        JOIN milestone AS said ON said.trajectory_id = trajectory.id{track}
    WHERE said.action <> 'retracted' AND NOT EXISTS (SELECT FROM milestone AS later WHERE later.corrects_id = said.id)
    GROUP BY said.trajectory_id, said.track, said.dwelling_id"""


TOUCHED = "(SELECT DISTINCT trajectory_id, CASE WHEN action = 'reported' THEN track END AS track FROM added) AS among"
"""What is reported touches its own track; for a correction all of them are looked at."""
KEEP_TRACKS = f"""
CREATE FUNCTION keep_tracks() RETURNS trigger LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off {SECURE} AS $$
BEGIN
    -- Along the indexes: a few trajectories are touched, and a join by hashing would read all milestones of the country.
    -- The rows of the dwelling are locked by then (`stamp_milestone`), so nobody else is at these trajectories.
    IF EXISTS (SELECT FROM added WHERE action <> 'reported') THEN
        DELETE FROM trajectory_track WHERE trajectory_id IN (SELECT trajectory_id FROM added WHERE action <> 'reported');
    END IF;
    INSERT INTO trajectory_track AS kept ({COLUMNS})
    {in_force(TOUCHED, " AND said.track = coalesce(among.track, said.track)")}
    ON CONFLICT (trajectory_id, track) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in KEPT)}
    WHERE ({", ".join(f"kept.{name}" for name in KEPT)}) IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in KEPT)});
    RETURN NULL;
END $$
"""
KEEP_TRACKS_OF_WITHDRAWN = f"""
CREATE FUNCTION keep_tracks_of_withdrawn() RETURNS trigger LANGUAGE plpgsql {SECURE} AS $$
BEGIN
    DELETE FROM trajectory_track WHERE trajectory_id = new.id;
    INSERT INTO trajectory_track ({COLUMNS}) {in_force("(SELECT new.id AS trajectory_id) AS among")};
    RETURN NULL;
END $$
"""
REBUILD_TRACKS = f"""
CREATE FUNCTION rebuild_tracks() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE counted bigint;
BEGIN
    -- For who doubts it, or has restored a part of the database. Writers of milestones wait.
    LOCK TABLE trajectory_track IN EXCLUSIVE MODE;
    DELETE FROM trajectory_track;
    INSERT INTO trajectory_track ({COLUMNS}) {in_force("(SELECT id AS trajectory_id FROM trajectory) AS among")};
    GET DIAGNOSTICS counted = ROW_COUNT;
    RETURN counted;
END $$
"""

# -- Names of streets ------------------------------------------------------------------------------------------------------------------------------

WORDS = {
    "v": "van", "vd": "van de", "vh": "van het", "d": "de", "vdr": "van der", "vden": "van den", "str": "straat", "pl": "plein", "ln": "laan", "wg": "weg",
    "burg": "burgemeester", "burgem": "burgemeester", "bgm": "burgemeester", "st": "sint", "dr": "doctor", "prof": "professor", "ir": "ingenieur",
    "mr": "meester", "ds": "dominee", "past": "pastoor", "kard": "kardinaal", "gen": "generaal", "kon": "koningin", "pres": "president",
    "min": "minister", "jhr": "jonkheer", "mgr": "monseigneur", "gebr": "gebroeders", "gr": "groot", "kl": "klein", "o": "oude", "n": "nieuwe",
    "1e": "eerste", "2e": "tweede", "3e": "derde", "4e": "vierde", "5e": "vijfde",
}  # fmt: skip
"""Abbreviations on street signs, letters and lists, in full."""
FOLDED = f"""
CREATE FUNCTION folded_name(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    -- A name as it is compared: no capitals, accents or signs, and no abbreviations.
    SELECT coalesce(string_agg(coalesce('{{{", ".join(f'"{short}": "{full}"' for short, full in WORDS.items())}}}'::jsonb ->> word,
        regexp_replace(regexp_replace(word, '(..)str$', '\\1straat'), '(..)pln$', '\\1plein')), ' ' ORDER BY place), '')
    FROM regexp_split_to_table(
        trim(regexp_replace(lower(regexp_replace(normalize(name, NFD), '[\\u0300-\\u036f]', '', 'g')), '[^a-z0-9]+', ' ', 'g')), ' '
    ) WITH ORDINALITY AS part (word, place) WHERE word <> ''
$$
"""
KEEP = """
    INSERT INTO street_name (municipality_code, town, name, folded, folded_town)
    SELECT each.municipality_code, each.town, each.street, folded_name(each.street), folded_name(each.town)
    FROM (SELECT DISTINCT municipality_code, coalesce(town, '') AS town, street FROM {added} WHERE street IS NOT NULL) AS each
    WHERE NOT EXISTS (SELECT FROM street_name AS known
        WHERE known.municipality_code = each.municipality_code AND known.town = each.town AND known.name = each.street)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF counted > 0 THEN
        INSERT INTO street_spelling (folded) SELECT DISTINCT folded FROM street_name AS known
        WHERE NOT EXISTS (SELECT FROM street_spelling WHERE folded = known.folded){of_added} ORDER BY folded ON CONFLICT DO NOTHING;
    END IF;"""
OF_ADDED = " AND (known.municipality_code, known.name) IN (SELECT municipality_code, street FROM added)"
KEEP_STREETS = f"""
CREATE FUNCTION keep_street_names() RETURNS trigger LANGUAGE plpgsql {SECURE} AS $$
DECLARE counted bigint;
BEGIN{KEEP.format(added="added", of_added=OF_ADDED)}
    RETURN NULL;
END $$
"""
REBUILD_STREETS = f"""
CREATE FUNCTION rebuild_street_names() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE counted bigint;
BEGIN
    -- Also forgets the names that no dwelling has any more. Writers of dwellings with a new name of a street wait.
    LOCK TABLE street_name, street_spelling IN EXCLUSIVE MODE;
    DELETE FROM street_name;
    DELETE FROM street_spelling;{KEEP.format(added="dwelling", of_added="")}
    RETURN counted;
END $$
"""

# -- Searching -------------------------------------------------------------------------------------------------------------------------------------

SIGHT = """
CREATE FUNCTION sources_in_sight() RETURNS text[] LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    held constant text := 'period.organisation_id = $4 AND period.valid_from <= $7 AND (period.valid_until IS NULL OR period.valid_until > $7)';
    portfolio constant text := format('portfolio_period AS period JOIN dwelling AS d ON d.id = period.dwelling_id AND period.dwelling_id > $2 AND %s', held);
    inherited constant text := format('inherited_dwelling AS former JOIN portfolio_period AS period ON period.id = former.period_id AND %s
        JOIN dwelling AS d ON d.id = former.dwelling_id AND former.organisation_id = $4', held);
    registered constant text := 'dwelling AS d JOIN (VALUES (1)) AS one (x) ON d.registrar_id = $4 AND NOT EXISTS (SELECT FROM portfolio_period AS period
        WHERE period.dwelling_id = d.id AND period.valid_until IS DISTINCT FROM period.valid_from)';
    municipality constant text := 'dwelling AS d JOIN (VALUES (1)) AS one (x) ON d.municipality_code = $5';
    inspected constant text := 'inspection AS i JOIN dwelling AS d ON d.id = i.dwelling_id AND i.organisation_id = $4';
BEGIN
    -- From where the dwellings come that whoever acts sees (the rule: `sees_row_of_dwelling`), each along an index; $2 is the id after which they begin.
    CASE acting_role()
    WHEN 'municipality-editor' THEN
        RETURN ARRAY[municipality];
    WHEN 'corporation-editor' THEN
        RETURN ARRAY[portfolio, registered, inherited];
    WHEN 'inspector' THEN
        RETURN ARRAY[inspected || ' AND i.assignee_id = $6', inspected || ' AND i.assignee_id IS NULL AND in_team(i.team_id)'];
    WHEN 'reviewer' THEN
        RETURN ARRAY[inspected, portfolio, inherited, CASE WHEN acting_municipality() IS NULL THEN registered ELSE municipality END];
    WHEN 'ministry-auditor' THEN
        RETURN CASE WHEN acting_reason() IS NOT NULL THEN ARRAY['dwelling AS d'] ELSE ARRAY[]::text[] END;
    ELSE
        RETURN ARRAY[]::text[];
    END CASE;
END $$
"""
BY_COLUMN = {"municipalityCode": "municipality_code", "focusArea": "focus_area", "tenure": "tenure", "energyLabel": "energy_label"}
BY_LETTERS = {"houseLetter": "house_letter", "houseNumberSuffix": "house_number_suffix"}
IN_SIGHT = """
CREATE FUNCTION condition_of_sight() RETURNS text LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE held constant text := 'period.organisation_id = $4 AND period.valid_from <= $7 AND (period.valid_until IS NULL OR period.valid_until > $7)';
BEGIN
    -- The same about one dwelling: for a corporation written out, because a function for each dwelling of a hundred streets takes a tenth of a second.
    RETURN CASE acting_role() WHEN 'municipality-editor' THEN 'd.municipality_code = $5' WHEN 'ministry-auditor' THEN 'true' WHEN 'corporation-editor' THEN
        format('(EXISTS (SELECT FROM portfolio_period AS period WHERE period.dwelling_id = d.id AND %s)
            OR EXISTS (SELECT FROM inherited_dwelling AS former JOIN portfolio_period AS period ON period.id = former.period_id AND %s
                WHERE former.dwelling_id = d.id AND former.organisation_id = $4)
            OR (d.registrar_id = $4 AND NOT EXISTS (SELECT FROM portfolio_period AS period
                WHERE period.dwelling_id = d.id AND period.valid_until IS DISTINCT FROM period.valid_from)))', held, held)
        ELSE 'sees_row_of_dwelling(d.id, d.municipality_code, d.registrar_id)' END;
END $$
"""
PLACE = f"""
CREATE FUNCTION conditions_on_place(wanted jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE conditions text := ' AND d.withdrawn_at IS NULL';
BEGIN
    -- Of the words of the query only whether they are there gets in; what they say stays in the parameters.
    IF wanted ? 'bagId' THEN
        conditions := conditions || ' AND d.bag_id = ($1 ->> ''bagId'')';
    END IF;
    IF wanted ? 'postcode' THEN
        conditions := conditions || ' AND d.postcode = ($1 ->> ''postcode'')';
    END IF;
    IF wanted ? 'postcodes' THEN
        conditions := conditions || ' AND d.postcode BETWEEN ($1 #>> ''{{postcodes,0}}'') AND ($1 #>> ''{{postcodes,1}}'')';
    END IF;
    IF wanted ? 'houseNumber' THEN
        conditions := conditions || ' AND d.house_number = ($1 ->> ''houseNumber'')::integer';
    END IF;
    IF wanted ? 'bbox' THEN
        conditions := conditions || ' AND {TILE.replace("longitude", "d.longitude").replace("latitude", "d.latitude")} = ANY ($8)
            AND d.longitude BETWEEN ($1 #>> ''{{bbox,0}}'')::float8 AND ($1 #>> ''{{bbox,2}}'')::float8
            AND d.latitude BETWEEN ($1 #>> ''{{bbox,1}}'')::float8 AND ($1 #>> ''{{bbox,3}}'')::float8';
    END IF;
    RETURN conditions;
END $$
"""


def _one_more(name: str, condition: str) -> str:
    return f"""
    IF wanted ? '{name}' THEN
        conditions := conditions || ' AND {condition}';
    END IF;"""


EQUAL = [_one_more(name, f"d.{column} = ($1 ->> ''{name}'')") for name, column in BY_COLUMN.items()]
ALIKE = [_one_more(name, f"lower(d.{column}) = lower($1 ->> ''{name}'')") for name, column in BY_LETTERS.items()]
CONDITIONS = f"""
CREATE FUNCTION conditions_on_dwelling(wanted jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE conditions text := conditions_on_place(wanted);
BEGIN{"".join(EQUAL + ALIKE)}
    RETURN conditions;
END $$
"""
EFFORTS = f"""
CREATE FUNCTION joins_with_efforts(wanted jsonb) RETURNS text LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    runs constant boolean := wanted ?| ARRAY['project', 'executorId'];
    joins text := '';
BEGIN
    -- All of it is about one trajectory, and what is said of a track about one track of it.
    IF runs THEN
        joins := ' JOIN trajectory AS j ON j.dwelling_id = d.id AND j.dwelling_id > $2 AND j.withdrawn_at IS NULL';
    END IF;
    IF wanted ? 'project' THEN
        joins := joins || ' AND j.project = ($1 ->> ''project'')';
    END IF;
    IF wanted ? 'executorId' THEN
        joins := joins || ' AND j.executor_id = ($1 ->> ''executorId'')::uuid';
    END IF;
    IF wanted ?| ARRAY['track', 'overdueOn'] THEN
        joins := joins || ' JOIN trajectory_track AS t ON t.dwelling_id = d.id AND t.dwelling_id > $2'
            || CASE WHEN runs THEN ' AND t.trajectory_id = j.id' ELSE '' END;
    END IF;
    IF wanted ? 'track' THEN
        joins := joins || ' AND t.track = ($1 ->> ''track'') AND t.state = ($1 ->> ''state'')';
    END IF;
    IF wanted ? 'overdueOn' THEN
        -- What did not start by then may have started since; on a day that is not past nothing can.
        joins := joins || ' AND t.planned_for < $9 AND ' || CASE WHEN (wanted ->> 'overdueOn')::date >= {TODAY}
            THEN 't.state = ''planned''' ELSE 'coalesce(least(t.started_on, t.completed_on, t.cancelled_on), ''infinity'') > $9' END;
    END IF;
    RETURN joins;
END $$
"""
NOT_HERS = """acting_role() = 'inspector' AND wanted ?| ARRAY['project', 'executorId', 'track', 'overdueOn']"""
TILES = """
CREATE FUNCTION tiles_of(wanted jsonb) RETURNS bigint[] LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(east * 100000 + north) FROM
        generate_series(floor((wanted #>> '{bbox,0}')::float8 * 200)::bigint, floor((wanted #>> '{bbox,2}')::float8 * 200)::bigint) AS east,
        generate_series(floor((wanted #>> '{bbox,1}')::float8 * 200)::bigint, floor((wanted #>> '{bbox,3}')::float8 * 200)::bigint) AS north
$$
"""
ACTING = f"acting_organisation(), acting_municipality(), acting_person(), {TODAY}, tiles_of(wanted), (wanted ->> 'overdueOn')::date"
FEW = "wanted ?| ARRAY['bbox', 'bagId', 'postcode', 'postcodes', 'project']"
FIND = f"""
CREATE FUNCTION find_dwellings(wanted jsonb, after uuid, at_most integer) RETURNS SETOF uuid LANGUAGE plpgsql STABLE {SECURE} AS $$
DECLARE
    parts constant text[] := sources_in_sight();
    efforts constant text := joins_with_efforts(wanted);
    conditions constant text := conditions_on_dwelling(wanted);
    different constant text := CASE WHEN efforts = '' AND acting_role() NOT IN ('inspector', 'reviewer') THEN '' ELSE 'DISTINCT ' END;
    query text;
BEGIN
    -- The dwellings in sight that are as wanted, in the order of their ids. What is few is found whole and then put in order: PostgreSQL would take it for
    -- likely to turn up soon, and go through the country in the order of the ids.
    IF {NOT_HERS} OR cardinality(parts) = 0 THEN
        RETURN;
    END IF;
    SELECT string_agg(CASE WHEN {FEW} THEN '(SELECT ' || different || 'few.id FROM (SELECT d.id FROM ' || part || efforts || ' WHERE d.id > $2' || conditions
        || ' OFFSET 0) AS few ORDER BY few.id LIMIT $3)'
        ELSE '(SELECT ' || different || 'd.id FROM ' || part || efforts || ' WHERE d.id > $2' || conditions || ' ORDER BY d.id LIMIT $3)' END, ' UNION ')
        INTO query FROM unnest(parts) AS part;
    RETURN QUERY EXECUTE query || CASE WHEN cardinality(parts) > 1 THEN ' ORDER BY id LIMIT $3' ELSE '' END
        USING wanted, after, at_most, {ACTING};
END $$
"""
SCORE = """
CREATE FUNCTION likeness(name text, typed text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    -- From 0 to 1000: half by the letters that must change, half by the groups of three that they share; the beginning of a name is much like it.
    -- Of a longer name `levenshtein` would have nothing: in full, a street of eighty abbreviations is.
    SELECT round(500 * greatest(
        similarity(name, typed) + 1 - levenshtein(left(name, 255), left(typed, 255))::real / greatest(length(name), length(typed), 1),
        CASE WHEN length(typed) >= 3 AND starts_with(name, typed) THEN 1.6 + 0.4 * length(typed)::real / length(name) ELSE 0 END))::integer
$$
"""
MATCH = """
CREATE FUNCTION match_streets(typed text, typed_town text, place text)
RETURNS TABLE (score integer, municipality_code text, town text, name text) LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp SET pg_trgm.similarity_threshold = 0.25 AS $$
#variable_conflict use_column
DECLARE digits constant text := coalesce(substring(typed FROM '[0-9]+'), '');
BEGIN
    -- A year or a number in the name of a street is part of it: it is there, or it is another street.
    -- In one municipality or a town that is spelled right, all streets are compared; in the country, the spellings that share groups of three letters.
    IF place IS NOT NULL OR EXISTS (SELECT FROM street_name WHERE folded_town = typed_town) THEN
        RETURN QUERY SELECT likeness(s.folded, typed) + CASE WHEN typed_town IS NULL OR s.folded_town = typed_town THEN 0
                ELSE (300 * (similarity(s.folded_town, typed_town) - 1))::integer END AS points, s.municipality_code, s.town, s.name
            FROM street_name AS s WHERE CASE WHEN place IS NOT NULL THEN s.municipality_code = place ELSE s.folded_town = typed_town END
                AND (s.folded % typed OR (length(typed) >= 3 AND starts_with(s.folded, typed))) AND position(digits IN s.folded) > 0
                AND likeness(s.folded, typed) >= 350
            ORDER BY points DESC, s.municipality_code, s.town, s.name LIMIT 500;
    ELSE
        RETURN QUERY WITH alike AS (
            SELECT candidate.folded, likeness(candidate.folded, typed) AS points FROM (
                SELECT folded FROM street_spelling WHERE folded % typed
                UNION SELECT folded FROM (SELECT folded FROM street_spelling WHERE length(typed) >= 3 AND folded ^@ typed ORDER BY folded LIMIT 50) AS begins
            ) AS candidate WHERE position(digits IN candidate.folded) > 0 ORDER BY points DESC, candidate.folded LIMIT 50)
        SELECT alike.points + CASE WHEN typed_town IS NULL THEN 0 ELSE (300 * (similarity(s.folded_town, typed_town) - 1))::integer END AS total,
            s.municipality_code, s.town, s.name
        FROM alike JOIN street_name AS s ON s.folded = alike.folded
        WHERE alike.points >= 350 AND (typed_town IS NULL OR similarity(s.folded_town, typed_town) >= 0.25)
        ORDER BY total DESC, s.municipality_code, s.town, s.name LIMIT 1000;
    END IF;
END $$
"""
TOWN_AT_END = """
CREATE FUNCTION town_at_end(typed text) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    -- The last words, when they are the name of a town and something stands before it.
    SELECT array_to_string(words[at:], ' ') FROM regexp_split_to_array(typed, ' ') AS words, generate_series(2, cardinality(words)) AS at
    WHERE EXISTS (SELECT FROM street_name WHERE folded_town = array_to_string(words[at:], ' ')) ORDER BY at LIMIT 1
$$
"""
NUMBER = "coalesce(d.house_number, 0), coalesce(d.house_letter, ''), coalesce(d.house_number_suffix, ''), d.id"
FIND_BY_STREET = f"""
CREATE FUNCTION find_dwellings_by_street(wanted jsonb, after jsonb, at_most integer) RETURNS TABLE (id uuid, place jsonb)
LANGUAGE plpgsql STABLE {SECURE} AS $$
DECLARE
    typed text := left(folded_name(wanted ->> 'street'), 100);
    typed_town text := nullif(folded_name(wanted ->> 'town'), '');
    -- A municipality finds in its own streets only, so that those of others don't crowd them out.
    around constant text := coalesce(wanted ->> 'municipalityCode', CASE WHEN acting_role() = 'municipality-editor' THEN acting_municipality() END);
    efforts constant text := joins_with_efforts(wanted);
    streets jsonb[];
BEGIN
    -- Streets by likeness, and in each of them the dwellings in sight by number. ``place`` is where a dwelling stands in that order.
    IF {NOT_HERS} OR typed = '' OR cardinality(sources_in_sight()) = 0 THEN
        RETURN;
    END IF;
    IF typed_town IS NULL THEN
        typed_town := town_at_end(typed);
        typed := CASE WHEN typed_town IS NULL THEN typed ELSE left(typed, -length(typed_town) - 1) END;
    END IF;
    SELECT array_agg(jsonb_build_array(score, municipality_code, town, name) ORDER BY score DESC, municipality_code, town, name) INTO streets
    FROM match_streets(typed, typed_town, around) AS match
    WHERE after IS NULL OR (-score, municipality_code, town, name) >= (-(after ->> 0)::integer, after ->> 1, after ->> 2, after ->> 3);
    RETURN QUERY EXECUTE $query$
        SELECT d.id, s.street || jsonb_build_array({NUMBER})
        FROM unnest($10) WITH ORDINALITY AS s (street, at) JOIN dwelling AS d
            ON d.municipality_code = (s.street ->> 1) AND d.street = (s.street ->> 3) AND coalesce(d.town, '') = (s.street ->> 2)
        WHERE ($11 IS NULL OR s.street <> ($11 - 7 - 6 - 5 - 4) OR ({NUMBER}) > (($11 ->> 4)::integer, $11 ->> 5, $11 ->> 6, ($11 ->> 7)::uuid)) AND $query$
        || condition_of_sight() || conditions_on_dwelling(wanted)
        || CASE WHEN efforts = '' THEN '' ELSE ' AND EXISTS (SELECT FROM (VALUES (1)) AS one (x)' || efforts || ')' END
        || $query$ ORDER BY s.at, {NUMBER} LIMIT $3 $query$
        USING wanted, '00000000-0000-0000-0000-000000000000'::uuid, at_most, {ACTING}, streets, after;
END $$
"""
SEARCHES = ("find_dwellings(jsonb, uuid, integer)", "find_dwellings_by_street(jsonb, jsonb, integer)")
FUNCTIONS = (
    KEEP_TRACKS, KEEP_TRACKS_OF_WITHDRAWN, REBUILD_TRACKS, FOLDED, KEEP_STREETS, REBUILD_STREETS, SIGHT, IN_SIGHT, PLACE, CONDITIONS, EFFORTS, TILES, FIND,
    SCORE, MATCH, TOWN_AT_END, FIND_BY_STREET,
)  # fmt: skip
DROPPED = (
    *SEARCHES, "town_at_end(text)", "match_streets(text, text, text)", "likeness(text, text)", "tiles_of(jsonb)",
    "joins_with_efforts(jsonb)", "conditions_on_dwelling(jsonb)", "conditions_on_place(jsonb)", "condition_of_sight()", "sources_in_sight()",
    "rebuild_street_names()", "keep_street_names()", "folded_name(text)", "rebuild_tracks()", "keep_tracks_of_withdrawn()", "keep_tracks()",
)  # fmt: skip
TRIGGERS = {
    ("milestone", "milestone_keeps_tracks"): "AFTER INSERT ON milestone REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_tracks()",
    ("trajectory", "trajectory_keeps_tracks"): "AFTER UPDATE OF withdrawn_at ON trajectory FOR EACH ROW "
    "WHEN (old.withdrawn_at IS DISTINCT FROM new.withdrawn_at) EXECUTE FUNCTION keep_tracks_of_withdrawn()",
    ("dwelling", "dwelling_keeps_street_names"): "AFTER INSERT ON dwelling REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
    "EXECUTE FUNCTION keep_street_names()",
    ("dwelling", "dwelling_keeps_new_street_names"): "AFTER UPDATE ON dwelling REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
    "EXECUTE FUNCTION keep_street_names()",
}
TABLES = ("trajectory_track", "street_name", "street_spelling")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS fuzzystrmatch")
    _tables()
    for function in FUNCTIONS:
        op.get_bind().exec_driver_sql(function.replace("%", "%%"))
    op.execute("SELECT rebuild_tracks()")
    op.execute("SELECT rebuild_street_names()")
    _indexes()
    for (_, name), does in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {does}")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owned ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    for name in DROPPED:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")
    for name in SEARCHES:
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {API}")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _tables() -> None:
    op.create_table(
        "trajectory_track",
        sa.Column("trajectory_id", sa.Uuid(), nullable=False),
        sa.Column("track", _one_of("track", *TRACKS), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.Column("state", _one_of("state", *STATES), nullable=False),
        *(sa.Column(name, sa.Date(), nullable=True) for name in KEPT[2:]),
        sa.ForeignKeyConstraint(["trajectory_id"], ["trajectory.id"], name=op.f("fk_trajectory_track_trajectory_id")),
        sa.PrimaryKeyConstraint("trajectory_id", "track", name=op.f("pk_trajectory_track")),
    )
    op.create_table(
        "street_name",
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("town", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("folded_town", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "town", "name", name=op.f("pk_street_name")),
    )
    op.create_table(
        "street_spelling",
        sa.Column("folded", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("folded", name=op.f("pk_street_spelling")),
    )


def _indexes() -> None:
    """After the tables are filled; loading that many rows into an index takes longer than making it."""
    op.create_index("ix_trajectory_track_state", "trajectory_track", ["track", "state", "dwelling_id"], unique=False)
    op.create_index("ix_trajectory_track_dwelling_id", "trajectory_track", ["dwelling_id"], unique=False)
    planned = sa.text("state = 'planned'")
    op.create_index("ix_trajectory_track_planned_for", "trajectory_track", ["dwelling_id", "planned_for"], unique=False, postgresql_where=planned)
    op.create_index("ix_street_name_folded", "street_name", ["folded"], unique=False)
    op.create_index("ix_street_name_folded_town", "street_name", ["folded_town"], unique=False)
    trigrams = {"postgresql_using": "gin", "postgresql_ops": {"folded": "gin_trgm_ops"}}
    op.create_index("ix_street_spelling_folded", "street_spelling", ["folded"], unique=False, **trigrams)
    for column in ("project", "executor_id"):
        op.create_index(f"ix_trajectory_{column}_dwelling_id", "trajectory", [column, "dwelling_id"], unique=False)
    op.create_index("ix_dwelling_street", "dwelling", ["municipality_code", "street", "house_number"], unique=False)
    located = {"postgresql_include": ["longitude", "latitude", "municipality_code"], "postgresql_where": sa.text("withdrawn_at IS NULL")}
    op.create_index("ix_dwelling_tile", "dwelling", [sa.text(TILE), "id"], unique=False, **located)


def downgrade() -> None:
    for table, name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for table, name in (
        ("dwelling", "ix_dwelling_tile"), ("dwelling", "ix_dwelling_street"),
        ("trajectory", "ix_trajectory_executor_id_dwelling_id"), ("trajectory", "ix_trajectory_project_dwelling_id"),
    ):  # fmt: skip
        op.drop_index(name, table)
    for name in DROPPED:
        op.execute(f"DROP FUNCTION {name}")
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP EXTENSION fuzzystrmatch")
    op.execute("DROP EXTENSION pg_trgm")
