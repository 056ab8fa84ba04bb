-- The ledger. app.post is the only way money moves; functions of the domains call it after they have asked who may.

-- An amount within a sentence that is raised: whoever shows it writes it as its reader does (translate_database_error).
--: invoker
CREATE FUNCTION app.amount_words(p_paise bigint, p_currency text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT '{' || p_currency || ' ' || p_paise || '}'
$$;

-- The account of a hostel's chart, opened if need be; a wallet comes with the row that tells its balance.
--: definer
CREATE FUNCTION app.account_of(p_org uuid, p_hostel uuid, p_code text, p_user integer, p_party text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
  v_currency text;
BEGIN
  SELECT id INTO v_id FROM ledger_accounts
  WHERE org_id = p_org AND hostel_id = p_hostel AND code = p_code AND coalesce(user_id, 0) = coalesce(p_user, 0) AND party = p_party;
  IF FOUND THEN
    RETURN v_id;
  END IF;
  SELECT currency INTO v_currency FROM hostels WHERE org_id = p_org AND id = p_hostel;
  IF v_currency IS NULL OR p_user IS NOT NULL AND NOT EXISTS (SELECT FROM members WHERE org_id = p_org AND user_id = p_user) THEN
    RAISE EXCEPTION 'There is no such account.' USING ERRCODE = 'VR404';
  END IF;
  INSERT INTO ledger_accounts (org_id, hostel_id, code, user_id, party, currency)
  VALUES (p_org, p_hostel, p_code, p_user, p_party, v_currency)
  ON CONFLICT (org_id, hostel_id, code, coalesce(user_id, 0), party) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN -- somebody else opened it meanwhile
    RETURN app.account_of(p_org, p_hostel, p_code, p_user, p_party);
  END IF;
  IF p_code = 'wallet' THEN
    INSERT INTO wallet_balance_cache (org_id, id, hostel_id, user_id, currency) VALUES (p_org, v_id, p_hostel, p_user, v_currency);
  END IF;
  RETURN v_id;
END
$$;

--: definer
CREATE FUNCTION app.ledger_account(p_hostel uuid, p_code text, p_user integer DEFAULT NULL, p_party text DEFAULT '') RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.account_of(app.current_org(), p_hostel, p_code, p_user, p_party)
$$;

-- Accounts are in their hostel's currency, and so is all that is booked there.
--: definer
CREATE FUNCTION app.keep_currency() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.currency <> OLD.currency AND EXISTS (SELECT FROM ledger_accounts WHERE org_id = OLD.org_id AND hostel_id = OLD.id) THEN
    RAISE EXCEPTION 'This hostel has books in % already: its currency cannot change.', OLD.currency USING ERRCODE = 'VR409', COLUMN = 'currency';
  END IF;
  RETURN NEW;
END
$$;

--: definer
CREATE FUNCTION app.open_wallet_of_resident() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.org_id = app.current_org() THEN
    PERFORM app.ledger_account(NEW.hostel_id, 'wallet', NEW.user_id);
  END IF;
  RETURN NULL;
END
$$;

-- Whole transactions only, each summing to zero in its one currency: what is added in one statement, and nothing later.
-- Asked at every posting, so it is spared the change of owner and path that other functions make.
--: invoker
CREATE FUNCTION app.check_balanced() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added GROUP BY org_id, transaction_id, currency
             HAVING sum(amount_paise) <> 0 OR min(position) <> 1 OR max(position) <> count(*)) THEN
    RAISE EXCEPTION 'The entries of a transaction must sum to zero.' USING ERRCODE = 'VR422';
  END IF;
  RETURN NULL;
END
$$;

-- What was booked under a key before, or NULL; something else under the same key is refused. p_accounts and p_amounts are
-- the entries that are meant.
--: definer
CREATE FUNCTION app.booked_before(p_key text, p_kind text, p_accounts uuid[], p_amounts bigint[]) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row ledger_transactions;
  v_same boolean;
BEGIN
  SELECT * INTO v_row FROM ledger_transactions WHERE org_id = app.current_org() AND key = p_key;
  SELECT v_row.kind = p_kind AND array_agg(account_id ORDER BY position) = p_accounts AND array_agg(amount_paise ORDER BY position) = p_amounts
  INTO v_same FROM ledger_entries WHERE org_id = v_row.org_id AND transaction_id = v_row.id;
  IF v_row.id IS NOT NULL AND NOT coalesce(v_same, false) THEN
    RAISE EXCEPTION 'Something else was booked under this key.' USING ERRCODE = 'VR409';
  END IF;
  RETURN v_row.id;
END
$$;

--: definer
CREATE FUNCTION app.refuse_debit(p_frozen boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_frozen THEN
    RAISE EXCEPTION 'This wallet is frozen: nothing can be taken from it until the office has looked into it.' USING ERRCODE = 'VR409';
  END IF;
  RAISE EXCEPTION 'There is not enough money in the wallet.' USING ERRCODE = 'VR409';
END
$$;

-- One posting of two sides, of which one at most is a wallet: what happens all day, in as few statements as it takes.
-- The transaction comes first, so that the same thing sent twice at once waits at its key; the wallet is locked then, and
-- the house side is inserted and has no row to wait for. Adjustments mend what a wallet was frozen for.
--: definer
CREATE FUNCTION app.book(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_credit text,
                         p_credit_user integer, p_description text DEFAULT '', p_source text DEFAULT '', p_source_id uuid DEFAULT NULL,
                         p_event_at timestamptz DEFAULT NULL, p_debit_party text DEFAULT '', p_credit_party text DEFAULT '') RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_at timestamptz := coalesce(p_event_at, v_now);
  v_id uuid := uuidv7();
  v_user integer := CASE 'wallet' WHEN p_debit THEN p_debit_user WHEN p_credit THEN p_credit_user END;
  v_out bigint := CASE p_debit WHEN 'wallet' THEN p_amount ELSE -p_amount END; -- of the wallet
  v_wallet uuid;
  v_balance bigint;
  v_version bigint;
  v_frozen boolean;
  v_debit uuid;
  v_credit uuid;
  v_currency text;
BEGIN
  IF p_amount <= 0 THEN
    RAISE EXCEPTION 'Please give an amount.' USING ERRCODE = 'VR422', COLUMN = 'amount_paise';
  ELSIF p_debit = p_credit AND p_debit = 'wallet' THEN
    RAISE EXCEPTION 'From one wallet to another is for app.post.' USING ERRCODE = 'feature_not_supported';
  END IF;
  -- The person is read from the setting: app.current_org has just found it genuine.
  INSERT INTO ledger_transactions (org_id, id, hostel_id, key, kind, description, source, source_id, event_at, created_at, created_by)
  VALUES (v_org, v_id, p_hostel, p_key, p_kind, p_description, p_source, p_source_id, v_at, v_now,
          NULLIF(current_setting('app.user_id', true), '')::integer)
  ON CONFLICT (org_id, key) DO NOTHING;
  IF NOT FOUND THEN
    RETURN app.booked_before(p_key, p_kind, ARRAY[app.ledger_account(p_hostel, p_debit, p_debit_user, p_debit_party),
                                                  app.ledger_account(p_hostel, p_credit, p_credit_user, p_credit_party)], ARRAY[-p_amount, p_amount]);
  END IF;
  WHILE v_user IS NOT NULL AND v_wallet IS NULL LOOP
    UPDATE wallet_balance_cache SET balance_paise = balance_paise - v_out, version = version + 1, last_computed_at = v_now
    WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = v_user
      AND (v_out < 0 OR balance_paise - v_out >= -limit_paise AND (NOT frozen OR p_kind = 'adjustment'))
    RETURNING id, balance_paise, version, currency INTO v_wallet, v_balance, v_version, v_currency;
    IF v_wallet IS NULL THEN -- refused, or not opened yet
      SELECT frozen AND p_kind <> 'adjustment' INTO v_frozen FROM wallet_balance_cache
      WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = v_user AND v_out > 0;
      IF FOUND THEN
        PERFORM app.refuse_debit(v_frozen);
      END IF;
      PERFORM app.ledger_account(p_hostel, 'wallet', v_user);
    END IF;
  END LOOP;
  v_debit := CASE p_debit WHEN 'wallet' THEN v_wallet ELSE app.account_of(v_org, p_hostel, p_debit, p_debit_user, p_debit_party) END;
  v_credit := CASE p_credit WHEN 'wallet' THEN v_wallet ELSE app.account_of(v_org, p_hostel, p_credit, p_credit_user, p_credit_party) END;
  IF v_currency IS NULL THEN
    SELECT currency INTO v_currency FROM ledger_accounts WHERE org_id = v_org AND id = v_debit;
  END IF;
  INSERT INTO ledger_entries (org_id, transaction_id, position, hostel_id, account_id, user_id, kind, description, amount_paise, currency,
                              balance_paise, version, event_at, created_at)
  VALUES (v_org, v_id, 1, p_hostel, v_debit, p_debit_user, p_kind, p_description, -p_amount, v_currency,
          CASE p_debit WHEN 'wallet' THEN v_balance END, CASE p_debit WHEN 'wallet' THEN v_version END, v_at, v_now),
         (v_org, v_id, 2, p_hostel, v_credit, p_credit_user, p_kind, p_description, p_amount, v_currency,
          CASE p_credit WHEN 'wallet' THEN v_balance END, CASE p_credit WHEN 'wallet' THEN v_version END, v_at, v_now);
  RETURN v_id;
END
$$;

-- Posts transactions, all of them or none, and returns their ids in order. p_batch: an array of {key, kind, hostel,
-- description, event_at, source, source_id, entries: [{account} or {code, user, party}, amount]}, the amounts in paise.
-- What was posted under a key before is passed over. Keys first, then the wallets, each in their order: so does app.book.
-- Each column of the lines (v_tx: the transaction's place in the batch, v_n: the line's in the transaction) is an array.
--: definer
CREATE FUNCTION app.post(p_batch jsonb) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_me integer := app.current_user_id(); -- once: within a statement it would be asked for each row
  v_tx integer[];
  v_n integer[];
  v_accounts uuid[];
  v_amounts bigint[];
  v_kinds text[];
  v_hostels uuid[];
  v_said text[];
  v_at timestamptz[];
  v_fresh uuid[];
  v_ids uuid[];
  v_wallets uuid[];
  v_sums bigint[];
  v_counts bigint[];
  v_doubtful boolean;
  v_frozen boolean;
BEGIN
  SELECT array_agg(b.n ORDER BY b.n, l.n), array_agg(l.n ORDER BY b.n, l.n), array_agg(l.amount ORDER BY b.n, l.n), array_agg(b.kind ORDER BY b.n, l.n),
         array_agg(b.hostel ORDER BY b.n, l.n), array_agg(coalesce(b.description, '') ORDER BY b.n, l.n),
         array_agg(coalesce(b.event_at, v_now) ORDER BY b.n, l.n),
         array_agg(coalesce(l.account,
           (SELECT id FROM ledger_accounts a WHERE a.org_id = v_org AND a.hostel_id = b.hostel AND a.code = l.code
                                               AND coalesce(a.user_id, 0) = coalesce(l."user", 0) AND a.party = coalesce(l.party, '')),
           app.account_of(v_org, b.hostel, l.code, l."user", coalesce(l.party, ''))) ORDER BY b.n, l.n)
  INTO v_tx, v_n, v_amounts, v_kinds, v_hostels, v_said, v_at, v_accounts
  FROM ROWS FROM (jsonb_to_recordset(p_batch) AS (kind text, hostel uuid, description text, event_at timestamptz, entries jsonb)) WITH ORDINALITY
         AS b (kind, hostel, description, event_at, entries, n),
       ROWS FROM (jsonb_to_recordset(b.entries) AS (account uuid, code text, "user" integer, party text, amount bigint)) WITH ORDINALITY
         AS l (account, code, "user", party, amount, n);
  WITH asked AS (
    SELECT * FROM ROWS FROM (jsonb_to_recordset(p_batch) AS (key text, kind text, hostel uuid, description text, source text, source_id uuid,
                                                             event_at timestamptz)) WITH ORDINALITY
             AS b (key, kind, hostel, description, source, source_id, event_at, n)),
  booked AS (
    INSERT INTO ledger_transactions (org_id, hostel_id, key, kind, description, source, source_id, event_at, created_at, created_by)
    SELECT v_org, hostel, key, kind, coalesce(description, ''), coalesce(source, ''), source_id, coalesce(event_at, v_now), v_now, v_me
    FROM asked ORDER BY key
    ON CONFLICT (org_id, key) DO NOTHING RETURNING id, key)
  SELECT array_agg(booked.id ORDER BY asked.n) INTO v_fresh FROM asked LEFT JOIN booked ON booked.key = asked.key;
  v_ids := v_fresh;
  IF array_position(v_fresh, NULL) IS NOT NULL THEN
    SELECT array_agg(coalesce(v_fresh[n], app.booked_before(t ->> 'key', t ->> 'kind',
             (SELECT array_agg(a ORDER BY x.place) FROM unnest(v_accounts, v_tx, v_n) AS x (a, tx, place) WHERE tx = n),
             (SELECT array_agg(a ORDER BY x.place) FROM unnest(v_amounts, v_tx, v_n) AS x (a, tx, place) WHERE tx = n))) ORDER BY n)
    INTO v_ids FROM jsonb_array_elements(p_batch) WITH ORDINALITY AS b (t, n);
  END IF;
  PERFORM FROM wallet_balance_cache WHERE org_id = v_org AND id = ANY (v_accounts) ORDER BY id FOR UPDATE;

  WITH entered AS (
    INSERT INTO ledger_entries (org_id, transaction_id, position, hostel_id, account_id, user_id, kind, description, amount_paise, currency,
                                balance_paise, version, event_at, created_at)
    SELECT v_org, v_fresh[x.tx], x.n, x.hostel, x.account, a.user_id, x.kind, x.said, x.amount, a.currency,
           w.balance_paise + sum(x.amount) OVER running, w.version + count(*) OVER running, x.at, v_now
    FROM unnest(v_tx, v_n, v_hostels, v_accounts, v_kinds, v_said, v_amounts, v_at) AS x (tx, n, hostel, account, kind, said, amount, at)
    JOIN ledger_accounts a ON a.org_id = v_org AND a.id = x.account AND a.hostel_id = x.hostel -- else it does not sum to zero, and is refused
    LEFT JOIN wallet_balance_cache w ON w.org_id = v_org AND w.id = x.account
    WHERE v_fresh[x.tx] IS NOT NULL
    WINDOW running AS (PARTITION BY x.account ORDER BY x.tx, x.n) ORDER BY x.tx, x.n
    RETURNING account_id, amount_paise, balance_paise, kind),
  moved AS (
    SELECT e.account_id AS id, sum(e.amount_paise)::bigint AS amount, count(*) AS entries,
           bool_or(e.amount_paise < 0 AND (e.balance_paise < -w.limit_paise OR w.frozen AND e.kind <> 'adjustment')) AS doubtful
    FROM entered e JOIN wallet_balance_cache w ON w.org_id = v_org AND w.id = e.account_id GROUP BY e.account_id)
  SELECT array_agg(id), array_agg(amount), array_agg(entries), bool_or(doubtful) INTO v_wallets, v_sums, v_counts, v_doubtful FROM moved;

  -- The limit holds after each transaction, not only after the last; within one it need not.
  IF v_doubtful THEN
    SELECT frozen AND kind <> 'adjustment' INTO v_frozen FROM (
      SELECT x.tx, x.amount, x.kind, w.frozen, w.limit_paise + w.balance_paise + sum(x.amount) OVER (PARTITION BY w.id ORDER BY x.tx) AS room
      FROM unnest(v_tx, v_accounts, v_amounts, v_kinds) AS x (tx, account, amount, kind)
      JOIN wallet_balance_cache w ON w.org_id = v_org AND w.id = x.account WHERE v_fresh[x.tx] IS NOT NULL) r
    WHERE amount < 0 AND (room < 0 OR frozen AND kind <> 'adjustment') ORDER BY tx LIMIT 1;
    IF FOUND THEN
      PERFORM app.refuse_debit(v_frozen);
    END IF;
  END IF;
  UPDATE wallet_balance_cache w SET balance_paise = w.balance_paise + d.amount, version = w.version + d.entries, last_computed_at = v_now
  FROM unnest(v_wallets, v_sums, v_counts) AS d (id, amount, entries) WHERE w.org_id = v_org AND w.id = d.id;
  RETURN v_ids;
END
$$;

-- The same for the product itself: jobs, imports, commands.
--: definer; execute: portal_admin
CREATE FUNCTION app.post_batch(p_batch jsonb) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Nobody books by hand: propose it.' USING ERRCODE = 'VR403';
  END IF;
  RETURN app.post(p_batch);
END
$$;

-- The same of one posting with two sides.
--: definer; execute: portal_admin
CREATE FUNCTION app.post_one(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_debit_party text,
                             p_credit text, p_credit_user integer, p_credit_party text, p_description text, p_source text, p_source_id uuid,
                             p_event_at timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Nobody books by hand: propose it.' USING ERRCODE = 'VR403';
  END IF;
  RETURN app.book(p_key, p_kind, p_hostel, p_amount, p_debit, p_debit_user, p_credit, p_credit_user, p_description, p_source, p_source_id,
                  p_event_at, p_debit_party, p_credit_party);
END
$$;

-- The opposite of a transaction, once.
--: definer
CREATE FUNCTION app.reverse(p_transaction uuid, p_description text) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT (app.post(jsonb_build_array(jsonb_build_object(
    'key', 'reversal:' || t.id, 'kind', 'reversal', 'hostel', t.hostel_id, 'description', p_description, 'source', t.source, 'source_id', t.source_id,
    'entries', (SELECT jsonb_agg(jsonb_build_object('account', e.account_id, 'amount', -e.amount_paise) ORDER BY e.position)
                FROM ledger_entries e WHERE e.org_id = t.org_id AND e.transaction_id = t.id)))))[1]
  FROM ledger_transactions t WHERE t.org_id = app.current_org() AND t.id = p_transaction
$$;

-- -- freezing ------------------------------------------------------------------------------------------------------

-- The wallet, locked, for staff who may do this to it.
--: definer
CREATE FUNCTION app.lock_wallet(p_wallet uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid;
BEGIN
  SELECT hostel_id INTO v_hostel FROM wallet_balance_cache WHERE org_id = app.current_org() AND id = p_wallet FOR UPDATE;
  IF v_hostel IS NULL OR NOT (app.is_system() OR app.allowed_in('wallet', 'read', v_hostel)) THEN
    RAISE EXCEPTION 'There is no such wallet.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR app.is_staff() AND app.allowed_in('wallet', p_action, v_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- Nothing can be taken from it until somebody has looked; money that comes in still does.
--: definer; execute: portal_admin
CREATE FUNCTION app.freeze_wallet(p_wallet uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_wallet(p_wallet, 'update');
  PERFORM app.assert_reason(p_reason);
  UPDATE wallet_balance_cache SET frozen = true WHERE org_id = app.current_org() AND id = p_wallet AND NOT frozen;
  IF FOUND THEN
    INSERT INTO wallet_freezes (org_id, hostel_id, user_id, wallet_id, reason)
    SELECT org_id, hostel_id, user_id, id, left(btrim(p_reason), 500) FROM wallet_balance_cache
    WHERE org_id = app.current_org() AND id = p_wallet;
  ELSIF NOT app.is_system() THEN
    RAISE EXCEPTION 'This wallet is frozen already.' USING ERRCODE = 'VR409';
  END IF;
END
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.unfreeze_wallet(p_wallet uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_wallet(p_wallet, 'approve');
  PERFORM app.assert_reason(p_reason);
  UPDATE wallet_balance_cache SET frozen = false WHERE org_id = app.current_org() AND id = p_wallet AND frozen;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'This wallet is not frozen.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE wallet_freezes SET lifted_at = app.now(), lifted_by = app.current_user_id(), lift_reason = left(btrim(p_reason), 500)
  WHERE org_id = app.current_org() AND wallet_id = p_wallet AND lifted_at IS NULL;
END
$$;

-- -- proposals -----------------------------------------------------------------------------------------------------

-- What an approved proposal books; the amount counts in favour of the person.
--: invoker
CREATE FUNCTION app.proposal_entries(p_kind text, p_user integer, p_party text, p_amount bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_kind
    WHEN 'payout' THEN jsonb_build_array(jsonb_build_object('code', 'wallet', 'user', p_user, 'amount', -p_amount),
                                         CASE p_party WHEN '' THEN jsonb_build_object('code', 'bank', 'amount', p_amount)
                                              ELSE jsonb_build_object('code', 'clearing', 'party', p_party, 'amount', p_amount) END)
    ELSE jsonb_build_array(
      CASE WHEN p_user IS NULL THEN jsonb_build_object('code', 'clearing', 'party', p_party, 'amount', p_amount)
           WHEN p_kind IN ('write_off', 'discount') THEN jsonb_build_object('code', 'receivable', 'user', p_user, 'amount', p_amount)
           ELSE jsonb_build_object('code', 'wallet', 'user', p_user, 'amount', p_amount) END,
      jsonb_build_object('code', CASE p_kind WHEN 'adjustment' THEN 'adjustments' WHEN 'write_off' THEN 'write_offs'
                                             WHEN 'discount' THEN 'discounts' WHEN 'refund' THEN 'canteen' END, 'amount', -p_amount)) END
$$;

-- Written for whoever calls; functions of the domains ask first who may.
--: definer
CREATE FUNCTION app.write_proposal(p_hostel uuid, p_kind text, p_user integer, p_party text, p_amount bigint, p_reason text, p_source text,
                                   p_source_id uuid, p_id uuid, p_details jsonb DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid := coalesce(p_id, uuidv7());
  v_wallet wallet_balance_cache;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('proposal:' || v_id, 0)); -- the second of a double click waits, and finds the first
  IF EXISTS (SELECT FROM ledger_proposals WHERE org_id = app.current_org() AND id = v_id) THEN
    IF NOT EXISTS (SELECT FROM ledger_proposals WHERE org_id = app.current_org() AND id = v_id AND hostel_id = p_hostel
                   AND user_id IS NOT DISTINCT FROM p_user AND source_id IS NOT DISTINCT FROM p_source_id
                   AND proposed_by IS NOT DISTINCT FROM app.current_user_id()) THEN
      RAISE EXCEPTION 'Something else was proposed under this id.' USING ERRCODE = 'VR409';
    END IF;
    RETURN v_id; -- sent twice
  ELSIF btrim(coalesce(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  ELSIF coalesce(p_amount, 0) = 0 OR p_amount < 0 AND p_kind <> 'adjustment' THEN
    RAISE EXCEPTION 'Please give an amount.' USING ERRCODE = 'VR422', COLUMN = 'amount_paise';
  ELSIF p_user IS NOT NULL AND NOT EXISTS (SELECT FROM residents WHERE org_id = app.current_org() AND hostel_id = p_hostel AND user_id = p_user) THEN
    RAISE EXCEPTION 'There is no such resident.' USING ERRCODE = 'VR404', COLUMN = 'member';
  END IF;
  -- Without a lock: the posting refuses for good, this spares a second person a decision that cannot be carried out.
  SELECT * INTO v_wallet FROM wallet_balance_cache WHERE org_id = app.current_org() AND hostel_id = p_hostel AND user_id = p_user;
  IF NOT app.is_system() AND (p_kind = 'payout' OR p_amount < 0) AND abs(p_amount) > v_wallet.balance_paise + v_wallet.limit_paise THEN
    RAISE EXCEPTION 'There is only % in the wallet.', app.amount_words(v_wallet.balance_paise, v_wallet.currency) USING ERRCODE = 'VR409', COLUMN = 'amount';
  END IF;
  INSERT INTO ledger_proposals (org_id, id, hostel_id, kind, user_id, party, amount_paise, currency, reason, source, source_id, details, proposed_by)
  SELECT h.org_id, v_id, h.id, p_kind, p_user, coalesce(p_party, ''), p_amount, h.currency, left(btrim(p_reason), 500), coalesce(p_source, ''),
         p_source_id, p_details, app.current_user_id()
  FROM hostels h WHERE h.org_id = app.current_org() AND h.id = p_hostel;
  PERFORM app.enqueue('wallet.proposed', jsonb_build_object('proposal_id', v_id));
  RETURN v_id;
END
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.propose(p_hostel uuid, p_kind text, p_user integer, p_amount bigint, p_reason text, p_party text DEFAULT '', p_id uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.allowed_in('wallet', 'read', p_hostel) OR NOT EXISTS (SELECT FROM hostels WHERE org_id = app.current_org() AND id = p_hostel) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  ELSIF NOT app.allowed_in('wallet', 'create', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF p_kind = 'refund' OR (p_user IS NULL) <> (coalesce(p_party, '') <> '') OR p_user IS NULL AND p_kind <> 'write_off' THEN
    RAISE EXCEPTION 'Please say whose account this is about.' USING ERRCODE = 'VR422', COLUMN = 'member';
  END IF;
  RETURN app.write_proposal(p_hostel, p_kind, p_user, p_party, p_amount, p_reason, '', NULL, p_id);
END
$$;

-- Whether there is anybody but the proposer, and whose money it is, who could approve; if not, the platform may.
--: definer
CREATE FUNCTION app.has_second_person(p_org uuid, p_hostel uuid, p_proposer integer, p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM members m, app.active_roles(p_org, m.user_id) r
    WHERE m.org_id = p_org AND m.removed_at IS NULL AND m.user_id IS DISTINCT FROM p_proposer AND m.user_id IS DISTINCT FROM p_user
      AND app.capabilities(p_org, m.user_id, r.portal) ~ ('\|wallet\.approve=(\*|[^|]*' || p_hostel || ')'))
$$;

-- Books it, in the same transaction. Nobody decides on what they proposed, nor approves what is for themselves.
--: definer
CREATE FUNCTION app.carry_out(p_id uuid, p_event text, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row ledger_proposals;
  v_tx uuid;
BEGIN
  SELECT * INTO v_row FROM ledger_proposals WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF p_event IS NULL OR p_event NOT IN ('approve', 'reject', 'withdraw') THEN
    RAISE EXCEPTION 'A proposal is approved, rejected or withdrawn.' USING ERRCODE = 'VR422';
  ELSIF v_row.status <> 'proposed' THEN
    RAISE EXCEPTION 'This proposal is % already.', v_row.status USING ERRCODE = 'VR409';
  ELSIF p_event = 'withdraw' AND v_row.proposed_by IS DISTINCT FROM app.current_user_id() THEN
    RAISE EXCEPTION 'Only who proposed it can withdraw it.' USING ERRCODE = 'VR403';
  ELSIF p_event <> 'withdraw' AND v_row.proposed_by = app.current_user_id() THEN
    RAISE EXCEPTION 'Nobody decides on their own proposal: somebody else has to.' USING ERRCODE = 'VR403';
  ELSIF p_event = 'approve' AND v_row.user_id = app.current_user_id() THEN
    RAISE EXCEPTION 'This is about your own money: somebody else has to approve it.' USING ERRCODE = 'VR403';
  ELSIF p_event = 'reject' AND btrim(coalesce(p_note, '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  IF p_event = 'approve' AND v_row.kind = 'credit_note' THEN
    v_tx := app.write_credit_note(p_id, v_row.source_id, v_row.details, v_row.reason);
  ELSIF p_event = 'approve' THEN
    v_tx := (app.post(jsonb_build_array(jsonb_build_object(
      'key', 'proposal:' || p_id, 'kind', v_row.kind, 'hostel', v_row.hostel_id, 'description', left(v_row.reason, 200),
      'source', coalesce(NULLIF(v_row.source, ''), 'ledger_proposals'), 'source_id', coalesce(v_row.source_id, p_id),
      'entries', app.proposal_entries(v_row.kind, v_row.user_id, v_row.party, v_row.amount_paise)))))[1];
  END IF;
  UPDATE ledger_proposals SET transaction_id = v_tx, decided_by = app.current_user_id(), decided_at = app.now(),
    decision = left(btrim(coalesce(p_note, '')), 500),
    status = CASE p_event WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' ELSE 'withdrawn' END
  WHERE org_id = v_row.org_id AND id = p_id;
  PERFORM app.enqueue('wallet.decided', jsonb_build_object('proposal_id', p_id));
END
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.decide_proposal(p_id uuid, p_event text, p_note text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid := (SELECT hostel_id FROM ledger_proposals WHERE org_id = app.current_org() AND id = p_id);
BEGIN
  IF v_hostel IS NULL OR NOT app.allowed_in('wallet', 'read', v_hostel) THEN
    RAISE EXCEPTION 'There is no such proposal.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('wallet', CASE p_event WHEN 'withdraw' THEN 'create' ELSE 'approve' END, v_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM app.carry_out(p_id, p_event, p_note);
END
$$;

-- What waits in organizations where nobody but the proposer could decide, for those who run the installation: no names.
--: definer; execute: portal_platform
CREATE FUNCTION app.platform_proposals()
RETURNS TABLE (id uuid, org_id uuid, organization text, hostel text, kind text, amount_paise bigint, currency text, reason text, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT p.id, p.org_id, o.name, h.name, p.kind, p.amount_paise, p.currency, p.reason, p.created_at
  FROM ledger_proposals p
  JOIN organizations o ON o.id = p.org_id AND o.deleted_at IS NULL
  JOIN hostels h ON h.org_id = p.org_id AND h.id = p.hostel_id
  WHERE app.is_super_admin() AND p.status = 'proposed' AND NOT app.has_second_person(p.org_id, p.hostel_id, p.proposed_by, p.user_id)
  ORDER BY p.created_at, p.id
$$;

-- The same as app.decide_proposal, by them: the audit log of the organization keeps who it was.
--: definer; execute: portal_platform
CREATE FUNCTION app.platform_decide(p_org uuid, p_id uuid, p_event text, p_note text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row ledger_proposals;
  v_me integer := app.current_user_id();
BEGIN
  SELECT * INTO v_row FROM ledger_proposals WHERE org_id = p_org AND id = p_id FOR UPDATE;
  IF NOT app.is_super_admin() OR v_row.id IS NULL OR app.has_second_person(p_org, v_row.hostel_id, v_row.proposed_by, v_row.user_id) THEN
    RAISE EXCEPTION 'There is no such proposal.' USING ERRCODE = 'VR404';
  ELSIF p_event NOT IN ('approve', 'reject') THEN
    RAISE EXCEPTION 'The platform approves or rejects.' USING ERRCODE = 'VR422';
  END IF;
  PERFORM app.assume(p_org, v_me);
  PERFORM set_config('app.reason', (SELECT 'Decided by the platform: ' || btrim(first_name || ' ' || last_name) FROM ab_user WHERE id = v_me), true);
  PERFORM app.carry_out(p_id, p_event, p_note);
END
$$;

-- -- checking ------------------------------------------------------------------------------------------------------

-- Wallets of the organization whose row and whose entries disagree: by sum, by the balance the newest entry tells, or by
-- how many entries there are.
--: definer; execute: portal_admin, service
CREATE FUNCTION app.wallet_mismatches()
RETURNS TABLE (wallet_id uuid, hostel_id uuid, user_id integer, cached_paise bigint, summed_paise bigint, entries bigint, version bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT w.id, w.hostel_id, w.user_id, w.balance_paise, coalesce(e.total, 0)::bigint, coalesce(e.entries, 0), w.version
  FROM wallet_balance_cache w
  LEFT JOIN (SELECT account_id, sum(amount_paise) AS total, count(*) AS entries, max(version) AS newest FROM ledger_entries
             WHERE org_id = app.current_org() AND version IS NOT NULL GROUP BY account_id) e ON e.account_id = w.id
  WHERE w.org_id = app.current_org() AND (app.is_system() OR app.allowed_in('wallet', 'read', w.hostel_id))
    AND (w.balance_paise <> coalesce(e.total, 0) OR w.version <> coalesce(e.entries, 0) OR w.version <> coalesce(e.newest, 0))
$$;

-- -- the proof -----------------------------------------------------------------------------------------------------

-- Sealing and checking span all that an organization owns, so they are the product's alone: rules/audit.py, Batch.
--: definer
CREATE FUNCTION app.ask_product() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Only the console itself seals and checks its books.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- As app.audit_horizon, by the clock that postings tell.
--: definer; execute: portal_admin
CREATE FUNCTION app.ledger_horizon() RETURNS TABLE (at timestamptz, seq bigint, system_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.ask_product();
  RETURN QUERY SELECT app.now(), coalesce(pg_sequence_last_value('public.ledger_transactions_seq_seq'), 0), c.system_identifier::text
               FROM pg_control_system() c;
END
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.add_ledger_batch(p_batch jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row ledger_batches := jsonb_populate_record(NULL::ledger_batches, p_batch || jsonb_build_object('org_id', app.current_org()));
BEGIN
  PERFORM app.ask_product();
  -- No join: sealing has the planner hash what it joins, which here would be all entries.
  SELECT coalesce(array_agg(seq ORDER BY seq, wallet), '{}'), coalesce(array_agg(wallet ORDER BY seq, wallet), '{}') INTO v_row.wallet_seqs, v_row.wallets
  FROM (SELECT t.seq, unnest(ARRAY(SELECT e.account_id FROM ledger_entries e WHERE e.org_id = t.org_id AND e.transaction_id = t.id
                                   AND e.version IS NOT NULL)) AS wallet
        FROM ledger_transactions t WHERE t.org_id = v_row.org_id AND t.seq = ANY (v_row.seqs)) x;
  INSERT INTO ledger_batches SELECT v_row.*;
END
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.note_ledger_check(p_batches integer, p_transactions integer, p_findings integer, p_first text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  PERFORM app.ask_product();
  INSERT INTO ledger_checks (org_id, batches, transactions, findings, first_finding, created_at)
  VALUES (app.current_org(), p_batches, p_transactions, p_findings, p_first, app.now()) RETURNING id INTO v_id;
  RETURN v_id;
END
$$;

--: definer; execute: service
CREATE FUNCTION app.ledger_organizations() RETURNS TABLE (org_id uuid, slug text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT id, slug FROM organizations ORDER BY created_at, id
$$;

-- How well all ledgers are kept, for the health page: numbers of the whole installation, contents of nobody. `wrong`: in
-- how many organizations the newest check found something; `checked_at`: of the one whose newest check is the oldest.
--: definer; execute: portal_admin, portal_platform, service
CREATE FUNCTION app.ledger_state() RETURNS TABLE (unsealed bigint, oldest_unsealed_at timestamptz, checked_at timestamptz, wrong bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(sum(waiting.n), 0)::bigint, min(waiting.oldest), min(newest.created_at), count(*) FILTER (WHERE newest.findings > 0)
  FROM organizations o
  -- Late commits have a batch end below the one before it: the highest of the last ones counts.
  LEFT JOIN LATERAL (SELECT max(b.last_seq) AS seq FROM (SELECT last_seq FROM ledger_batches WHERE org_id = o.id ORDER BY number DESC LIMIT 100) b) sealed ON true
  LEFT JOIN LATERAL (SELECT count(*) AS n, min(w.created_at) AS oldest FROM (
    SELECT created_at FROM ledger_transactions WHERE org_id = o.id AND seq > coalesce(sealed.seq, 0) ORDER BY seq LIMIT 10000) w) waiting ON true
  LEFT JOIN LATERAL (SELECT created_at, findings FROM ledger_checks WHERE org_id = o.id ORDER BY created_at DESC LIMIT 1) newest ON true
$$;
