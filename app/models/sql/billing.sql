-- Invoices and what pays them. Who needs more than one locks invoices first (oldest due first), then numbers, then wallets.

-- What was issued stays as it was; what is paid of it grows, and reminders are counted.
--: definer
CREATE FUNCTION app.keep_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF (to_jsonb(NEW) - ARRAY['paid_paise', 'reminded', 'updated_at', 'status', 'total_paise', 'reference'])
     IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['paid_paise', 'reminded', 'updated_at', 'status', 'total_paise', 'reference'])
     OR NEW.paid_paise < OLD.paid_paise THEN
    RAISE EXCEPTION 'An invoice that was issued is not changed: write a credit note.' USING ERRCODE = 'VR409';
  END IF;
  RETURN NEW;
END
$$;

-- What documents of a hostel begin with in the financial year of a day. p_sort is '' for invoices, 'CN/' for credit notes,
-- 'R/' for receipts, 'A/' for what pays without money.
--: definer
CREATE FUNCTION app.document_series(p_hostel uuid, p_day date, p_sort text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT code || '/' || y || '-' || lpad(((y + 1) % 100)::text, 2, '0') || '/' || p_sort
  FROM hostels CROSS JOIN LATERAL (SELECT extract(year FROM p_day - interval '3 months')) AS of_april (y) WHERE org_id = app.current_org() AND id = p_hostel
$$;

-- The next number in a series, without gaps: the counter is locked until the end.
--: definer
CREATE FUNCTION app.next_document(p_hostel uuid, p_series text) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.next_number(app.current_org(), 'invoices/' || p_series, p_hostel)::integer
$$;

-- Issues what was not issued for its occasion before, and books it; returns how many are new. For the product itself.
-- p_batch: [{occasion, kind, hostel, user, resident, stay, month, issued_on, due_on, seller, gstin, note,
-- lines: [{kind, account, description, from_on, until_on, amount, tax_bp, cgst, sgst, igst}]}].
--: definer; execute: portal_admin
CREATE FUNCTION app.issue_invoices(p_batch jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_one jsonb;
  v_id uuid;
  v_series text;
  v_posts jsonb := '[]';
BEGIN
  PERFORM app.assert_system();
  -- One at a time in a house, so that no number is taken for what turns out to be there.
  PERFORM pg_advisory_xact_lock(hashtextextended('billing/' || h, 0)) FROM (SELECT DISTINCT b ->> 'hostel' AS h FROM jsonb_array_elements(p_batch) b ORDER BY 1) x;
  FOR v_one IN SELECT b FROM jsonb_array_elements(p_batch) WITH ORDINALITY AS x (b, n) ORDER BY n LOOP
    CONTINUE WHEN EXISTS (SELECT FROM invoices WHERE org_id = v_org AND occasion = v_one ->> 'occasion');
    v_series := app.document_series((v_one ->> 'hostel')::uuid, (v_one ->> 'issued_on')::date, '');
    INSERT INTO invoices (org_id, hostel_id, user_id, resident_id, stay_id, kind, occasion, series, number, month, issued_on, due_on, seller, gstin, note,
                          currency, net_paise, tax_paise, created_by)
    SELECT v_org, h.id, (v_one ->> 'user')::integer, (v_one ->> 'resident')::uuid, (v_one ->> 'stay')::uuid, v_one ->> 'kind', v_one ->> 'occasion',
           v_series, app.next_document(h.id, v_series), (v_one ->> 'month')::date, (v_one ->> 'issued_on')::date, (v_one ->> 'due_on')::date, v_one ->> 'seller',
           v_one ->> 'gstin', coalesce(v_one ->> 'note', ''), h.currency, s.net, s.tax, NULL
    FROM hostels h, (SELECT sum((l ->> 'amount')::bigint) AS net, sum((l ->> 'cgst')::bigint + (l ->> 'sgst')::bigint + (l ->> 'igst')::bigint) AS tax
                     FROM jsonb_array_elements(v_one -> 'lines') l) s
    WHERE h.org_id = v_org AND h.id = (v_one ->> 'hostel')::uuid RETURNING id INTO v_id;
    PERFORM app.write_invoice_lines(v_id, v_one -> 'lines');
    v_posts := v_posts || jsonb_build_array(jsonb_build_object(
      'key', 'charge:' || (v_one ->> 'occasion'), 'hostel', v_one ->> 'hostel', 'source', 'invoices', 'source_id', v_id,
      'kind', CASE v_one ->> 'kind' WHEN 'deposit' THEN 'deposit' WHEN 'late_fee' THEN 'late_fee' ELSE 'charge' END,
      -- It happened on the day that it is of, also where that is written down later.
      'event_at', (SELECT CASE WHEN i.issued_on < app.house_day(i.hostel_id) THEN i.issued_on::timestamp AT TIME ZONE h.timezone END
                   FROM invoices i JOIN hostels h ON h.org_id = i.org_id AND h.id = i.hostel_id WHERE i.org_id = v_org AND i.id = v_id),
      'description', (SELECT reference FROM invoices WHERE org_id = v_org AND id = v_id), 'entries', app.invoice_entries(v_id)));
  END LOOP;
  IF jsonb_array_length(v_posts) > 0 THEN
    PERFORM app.post(v_posts);
  END IF;
  RETURN jsonb_array_length(v_posts);
END
$$;

--: definer
CREATE FUNCTION app.write_invoice_lines(p_invoice uuid, p_lines jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO invoice_lines (org_id, hostel_id, user_id, invoice_id, position, kind, account, description, from_on, until_on, amount_paise, tax_bp,
                             cgst_paise, sgst_paise, igst_paise, corrects_id)
  SELECT i.org_id, i.hostel_id, i.user_id, i.id, n, l ->> 'kind', l ->> 'account', left(coalesce(l ->> 'description', ''), 200), (l ->> 'from_on')::date,
         (l ->> 'until_on')::date, (l ->> 'amount')::bigint, (l ->> 'tax_bp')::smallint, (l ->> 'cgst')::bigint, (l ->> 'sgst')::bigint,
         (l ->> 'igst')::bigint, (l ->> 'corrects')::uuid
  FROM invoices i, jsonb_array_elements(p_lines) WITH ORDINALITY AS x (l, n) WHERE i.org_id = app.current_org() AND i.id = p_invoice
$$;

-- The entries of an invoice: what is owed on one side, for what on the other.
--: definer
CREATE FUNCTION app.invoice_entries(p_invoice uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT jsonb_build_array(jsonb_build_object('code', 'receivable', 'user', i.user_id, 'amount', -i.total_paise))
    || (SELECT jsonb_agg(jsonb_build_object('code', account, 'user', CASE account WHEN 'deposit' THEN i.user_id END, 'amount', amount) ORDER BY account)
        FROM (SELECT account, sum(amount_paise) AS amount FROM invoice_lines WHERE org_id = i.org_id AND invoice_id = i.id GROUP BY account) a)
    || CASE WHEN i.tax_paise > 0 THEN jsonb_build_array(jsonb_build_object('code', 'tax', 'amount', i.tax_paise)) ELSE '[]' END
  FROM invoices i WHERE i.org_id = app.current_org() AND i.id = p_invoice
$$;

-- An invoice, for those who may do this to it.
--: definer
CREATE FUNCTION app.assert_invoice(p_invoice uuid, p_action text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid := (SELECT hostel_id FROM invoices WHERE org_id = app.current_org() AND id = p_invoice AND kind <> 'credit_note');
BEGIN
  IF v_hostel IS NULL OR NOT (app.is_system() OR app.is_staff() AND app.allowed_in('billing', 'read', v_hostel)) THEN
    RAISE EXCEPTION 'There is no such invoice.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR app.allowed_in('billing', p_action, v_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- How a hostel bills: an object with the columns of billing_settings.
--: definer; execute: portal_admin
CREATE FUNCTION app.set_billing(p_hostel uuid, p_values jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_new billing_settings := jsonb_populate_record(NULL::billing_settings, p_values);
BEGIN
  IF NOT EXISTS (SELECT FROM hostels WHERE org_id = app.current_org() AND id = p_hostel)
     OR NOT (app.is_system() OR app.allowed_in('billing', 'read', p_hostel)) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR app.allowed_in('billing', 'approve', p_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO billing_settings AS s (org_id, hostel_id, legal_name, gstin, interstate, rent_tax_bp, food_tax_bp, other_tax_bp, exempt_reason, automatic,
                                bill_day, due_days, grace_days, late_flat_paise, late_percent_bp, late_since)
  VALUES (app.current_org(), p_hostel, v_new.legal_name, v_new.gstin, v_new.interstate, v_new.rent_tax_bp, v_new.food_tax_bp, v_new.other_tax_bp,
          v_new.exempt_reason, v_new.automatic, v_new.bill_day, v_new.due_days, v_new.grace_days, v_new.late_flat_paise, v_new.late_percent_bp,
          app.house_day(p_hostel))
  ON CONFLICT (org_id, hostel_id) DO UPDATE SET legal_name = excluded.legal_name, gstin = excluded.gstin, interstate = excluded.interstate,
    rent_tax_bp = excluded.rent_tax_bp, food_tax_bp = excluded.food_tax_bp, other_tax_bp = excluded.other_tax_bp,
    exempt_reason = excluded.exempt_reason, automatic = excluded.automatic, bill_day = excluded.bill_day, due_days = excluded.due_days,
    grace_days = excluded.grace_days, late_flat_paise = excluded.late_flat_paise, late_percent_bp = excluded.late_percent_bp,
    late_since = CASE WHEN (s.grace_days, s.late_flat_paise, s.late_percent_bp) = (excluded.grace_days, excluded.late_flat_paise, excluded.late_percent_bp)
                      THEN s.late_since ELSE excluded.late_since END;
END
$$;

-- -- paying ------------------------------------------------------------------------------------------------------------

-- Lays an amount on invoices of a person, those that are named or all that are open, the oldest due first.
--: definer
CREATE FUNCTION app.lay_payment(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[], p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_today date := app.house_day(p_hostel);
  v_left bigint := p_amount;
  v_one record;
  v_series text;
  v_ids uuid[] := '{}';
  v_sums bigint[] := '{}';
BEGIN
  IF coalesce(p_amount, 0) <= 0 THEN
    RAISE EXCEPTION 'Please give an amount.' USING ERRCODE = 'VR422', COLUMN = 'amount';
  END IF;
  FOR v_one IN SELECT id, total_paise - paid_paise AS open FROM invoices
               WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = p_user AND status IN ('open', 'part_paid')
                 AND (p_invoices IS NULL OR id = ANY (p_invoices)) ORDER BY due_on, id FOR UPDATE LOOP
    EXIT WHEN v_left = 0;
    v_ids := v_ids || v_one.id;
    v_sums := v_sums || least(v_left, v_one.open);
    v_left := v_left - least(v_left, v_one.open);
  END LOOP;
  IF v_left > 0 THEN
    RAISE EXCEPTION 'This is more than what is still to be paid.' USING ERRCODE = 'VR409', COLUMN = 'amount';
  END IF;
  v_series := app.document_series(p_hostel, v_today, CASE WHEN p_method IN ('credit_note', 'discount', 'write_off') THEN 'A/' ELSE 'R/' END);
  INSERT INTO invoice_payments (org_id, id, hostel_id, user_id, method, series, number, amount_paise, currency, note, paid_on)
  SELECT v_org, p_id, h.id, p_user, p_method, v_series, app.next_document(h.id, v_series), p_amount, h.currency, left(coalesce(btrim(p_note), ''), 200), v_today
  FROM hostels h WHERE h.org_id = v_org AND h.id = p_hostel;
  INSERT INTO invoice_allocations (org_id, hostel_id, user_id, payment_id, invoice_id, amount_paise)
  SELECT v_org, p_hostel, p_user, p_id, x.id, x.amount FROM unnest(v_ids, v_sums) AS x (id, amount);
  UPDATE invoices i SET paid_paise = paid_paise + x.amount FROM unnest(v_ids, v_sums) AS x (id, amount) WHERE i.org_id = v_org AND i.id = x.id;
END
$$;

-- Pays invoices: residents from their wallet, staff with cash or a transfer that they took. Sent again, it is the same.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.pay_invoices(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[] DEFAULT NULL,
                                 p_note text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_own boolean := NOT app.is_staff() AND p_user = app.current_user_id() AND app.is_admitted();
BEGIN
  IF NOT EXISTS (SELECT FROM residents WHERE org_id = app.current_org() AND hostel_id = p_hostel AND user_id = p_user)
     OR NOT (app.is_system() OR v_own OR app.is_staff() AND app.allowed_in('billing', 'read', p_hostel)) THEN
    RAISE EXCEPTION 'There is no such invoice.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR v_own AND p_method = 'wallet'
             OR app.is_staff() AND app.allowed_in('billing', 'create', p_hostel) AND p_method IN ('cash', 'bank')) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('pay_invoices:' || p_id, 0)); -- the second of a double click waits, and finds the first
  IF EXISTS (SELECT FROM invoice_payments WHERE org_id = app.current_org() AND id = p_id) THEN
    RETURN;
  END IF;
  PERFORM app.lay_payment(p_id, p_hostel, p_user, p_method, p_amount, p_invoices, p_note);
  PERFORM app.book('invoices:' || p_id, 'payment', p_hostel, p_amount,
    p_method, CASE WHEN p_method IN ('wallet', 'deposit') THEN p_user END, 'receivable', p_user,
    (SELECT reference FROM invoice_payments WHERE org_id = app.current_org() AND id = p_id), 'invoice_payments', p_id);
END
$$;

-- Pays open invoices from the wallets of those who did not switch it off, where there is enough; how many, at most p_most.
--: definer; execute: portal_admin
CREATE FUNCTION app.pay_from_wallets(p_most integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_ids uuid[];
  v_one record;
  v_paid integer := 0;
BEGIN
  PERFORM app.assert_system();
  -- All of them locked before the first number is taken: who pays one of them by hand meanwhile waits, or comes first.
  SELECT array_agg(id) INTO v_ids FROM (
    SELECT i.id FROM invoices i JOIN wallet_balance_cache w ON w.org_id = i.org_id AND w.hostel_id = i.hostel_id AND w.user_id = i.user_id
    WHERE i.org_id = app.current_org() AND i.status IN ('open', 'part_paid') AND NOT w.frozen AND w.balance_paise >= i.total_paise - i.paid_paise
      AND NOT EXISTS (SELECT FROM billing_choices c WHERE c.org_id = i.org_id AND c.hostel_id = i.hostel_id AND c.user_id = i.user_id AND NOT c.from_wallet)
    ORDER BY i.due_on, i.id LIMIT p_most FOR UPDATE OF i SKIP LOCKED) found;
  FOR v_one IN SELECT id, hostel_id, user_id, total_paise - paid_paise AS open FROM invoices
               WHERE org_id = app.current_org() AND id = ANY (v_ids) AND status IN ('open', 'part_paid') ORDER BY due_on, id LOOP
    BEGIN
      PERFORM app.pay_invoices(uuidv7(), v_one.hostel_id, v_one.user_id, 'wallet', v_one.open, ARRAY[v_one.id]);
      v_paid := v_paid + 1;
    EXCEPTION WHEN SQLSTATE 'VR409' THEN NULL; -- spent, frozen or paid meanwhile
    END;
  END LOOP;
  RETURN v_paid;
END
$$;

-- Whether one's own invoices are paid from the wallet by themselves.
--: definer; execute: portal_resident
CREATE FUNCTION app.choose_paying(p_hostel uuid, p_from_wallet boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_admitted() OR NOT EXISTS (SELECT FROM residents WHERE org_id = app.current_org() AND hostel_id = p_hostel
                                          AND user_id = app.current_user_id()) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404';
  END IF;
  INSERT INTO billing_choices AS c (org_id, hostel_id, user_id, from_wallet)
  VALUES (app.current_org(), p_hostel, app.current_user_id(), p_from_wallet)
  ON CONFLICT (org_id, hostel_id, user_id) DO UPDATE SET from_wallet = excluded.from_wallet WHERE c.from_wallet <> excluded.from_wallet;
END
$$;

-- -- correcting --------------------------------------------------------------------------------------------------------

-- Refuses lines of a credit note that are more than what was charged and not credited yet.
--: definer
CREATE FUNCTION app.assert_creditable(p_invoice uuid, p_lines jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM jsonb_array_elements(p_lines) c
             LEFT JOIN invoice_lines l ON l.org_id = app.current_org() AND l.invoice_id = p_invoice AND l.id = (c ->> 'line')::uuid
             LEFT JOIN LATERAL (SELECT coalesce(sum(amount_paise), 0) AS amount, coalesce(sum(cgst_paise), 0) AS cgst, coalesce(sum(sgst_paise), 0) AS sgst,
                                coalesce(sum(igst_paise), 0) AS igst FROM invoice_lines WHERE org_id = l.org_id AND corrects_id = l.id) d ON true
             WHERE l.id IS NULL OR (c ->> 'amount')::bigint <= 0 OR d.amount + (c ->> 'amount')::bigint > l.amount_paise
                OR d.cgst + (c ->> 'cgst')::bigint > l.cgst_paise OR d.sgst + (c ->> 'sgst')::bigint > l.sgst_paise
                OR d.igst + (c ->> 'igst')::bigint > l.igst_paise)
     OR (SELECT count(*) > count(DISTINCT (c ->> 'line')::uuid) FROM jsonb_array_elements(p_lines) c) THEN
    RAISE EXCEPTION 'This is more than what was charged and not credited yet.' USING ERRCODE = 'VR409', COLUMN = 'amount';
  END IF;
END
$$;

-- A credit note over lines of an invoice: [{line, amount, cgst, sgst, igst}]. What was paid already goes to the wallet.
-- Returns the transaction, or NULL if it was written before.
--: definer
CREATE FUNCTION app.write_credit_note(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_day date;
  v_old invoices;
  v_series text;
  v_net bigint;
  v_tax bigint;
  v_open bigint;
  v_entries jsonb;
BEGIN
  SELECT * INTO v_old FROM invoices WHERE org_id = v_org AND id = p_invoice FOR UPDATE;
  IF EXISTS (SELECT FROM invoices WHERE org_id = v_org AND (id = p_id OR occasion = p_occasion)) THEN
    RETURN NULL;
  END IF;
  PERFORM app.assert_creditable(p_invoice, p_lines);
  SELECT sum((c ->> 'amount')::bigint), sum((c ->> 'cgst')::bigint + (c ->> 'sgst')::bigint + (c ->> 'igst')::bigint) INTO v_net, v_tax
  FROM jsonb_array_elements(p_lines) c;
  v_open := least(v_net + v_tax, v_old.total_paise - v_old.paid_paise);
  IF v_open > 0 THEN
    PERFORM app.lay_payment(p_id, v_old.hostel_id, v_old.user_id, 'credit_note', v_open, ARRAY[p_invoice], p_reason);
  END IF;
  v_day := app.house_day(v_old.hostel_id);
  v_series := app.document_series(v_old.hostel_id, v_day, 'CN/');
  INSERT INTO invoices (org_id, id, hostel_id, user_id, resident_id, stay_id, kind, occasion, series, number, corrects_id, month, issued_on, due_on,
                        seller, gstin, note, currency, net_paise, tax_paise)
  VALUES (v_org, p_id, v_old.hostel_id, v_old.user_id, v_old.resident_id, v_old.stay_id, 'credit_note', coalesce(p_occasion, 'credit:' || p_id),
          v_series, app.next_document(v_old.hostel_id, v_series), p_invoice, v_old.month, v_day, v_day, v_old.seller, v_old.gstin, left(btrim(p_reason), 500), v_old.currency, v_net, v_tax);
  PERFORM app.write_invoice_lines(p_id, (
    SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('corrects', l.id, 'amount', c -> 'amount', 'cgst', c -> 'cgst', 'sgst', c -> 'sgst', 'igst', c -> 'igst')
                     ORDER BY l.position)
    FROM jsonb_array_elements(p_lines) c JOIN invoice_lines l ON l.org_id = v_org AND l.id = (c ->> 'line')::uuid));
  -- The invoice's own entries turned round; of what is owed, only what is still open goes back there.
  SELECT jsonb_agg(e || jsonb_build_object('amount', CASE e ->> 'code' WHEN 'receivable' THEN v_open ELSE -(e ->> 'amount')::bigint END))
    || jsonb_build_array(jsonb_build_object('code', 'wallet', 'user', v_old.user_id, 'amount', v_net + v_tax - v_open)) INTO v_entries
  FROM jsonb_array_elements(app.invoice_entries(p_id)) e;
  RETURN (app.post(jsonb_build_array(jsonb_build_object(
    'key', 'credit:' || p_id, 'kind', 'refund', 'hostel', v_old.hostel_id, 'source', 'invoices', 'source_id', p_id,
    'description', (SELECT reference FROM invoices WHERE org_id = v_org AND id = p_id),
    'entries', (SELECT jsonb_agg(e) FROM jsonb_array_elements(v_entries) e WHERE (e ->> 'amount')::bigint <> 0)))))[1];
END
$$;

-- The same for the product itself: a stay or its price changed.
--: definer; execute: portal_admin
CREATE FUNCTION app.credit_invoice(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  PERFORM app.write_credit_note(p_id, p_invoice, p_lines, p_reason, p_occasion);
END
$$;

-- A credit note, if a second person agrees. One waits at a time: the tax of its lines follows from what was credited before.
--: definer; execute: portal_admin
CREATE FUNCTION app.propose_credit(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_old invoices;
BEGIN
  PERFORM app.assert_invoice(p_invoice, 'update');
  SELECT * INTO v_old FROM invoices WHERE org_id = app.current_org() AND id = p_invoice FOR UPDATE;
  IF NOT EXISTS (SELECT FROM ledger_proposals WHERE org_id = v_old.org_id AND id = p_id) THEN
    PERFORM app.assert_creditable(p_invoice, p_lines);
  END IF;
  IF EXISTS (SELECT FROM ledger_proposals WHERE org_id = v_old.org_id AND source_id = p_invoice AND kind = 'credit_note' AND status = 'proposed' AND id <> p_id) THEN
    RAISE EXCEPTION 'A credit note on this invoice waits for a decision already.' USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.write_proposal(v_old.hostel_id, 'credit_note', v_old.user_id, '',
    (SELECT sum((c ->> 'amount')::bigint + (c ->> 'cgst')::bigint + (c ->> 'sgst')::bigint + (c ->> 'igst')::bigint) FROM jsonb_array_elements(p_lines) c)::bigint,
    p_reason, 'invoices', p_invoice, p_id, p_lines);
END
$$;

-- Less to pay, if a second person agrees.
--: definer; execute: portal_admin
CREATE FUNCTION app.propose_discount(p_id uuid, p_invoice uuid, p_amount bigint, p_reason text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_old invoices;
BEGIN
  PERFORM app.assert_invoice(p_invoice, 'update');
  SELECT * INTO v_old FROM invoices WHERE org_id = app.current_org() AND id = p_invoice;
  IF p_amount > v_old.total_paise - v_old.paid_paise THEN
    RAISE EXCEPTION 'This is more than what is still to be paid.' USING ERRCODE = 'VR409', COLUMN = 'amount';
  ELSIF EXISTS (SELECT FROM ledger_proposals WHERE org_id = v_old.org_id AND source_id = p_invoice AND kind = 'discount' AND status IN ('proposed', 'approved') AND id <> p_id) THEN
    RAISE EXCEPTION 'A discount on this invoice was proposed already.' USING ERRCODE = 'VR409';
  END IF;
  RETURN app.write_proposal(v_old.hostel_id, 'discount', v_old.user_id, '', p_amount, p_reason, 'invoices', p_invoice, p_id);
END
$$;

-- What was approved counts as paid: on the invoice that it is about, or on those that are open, the oldest first. More
-- than is open is refused: no later invoice would be paid by it.
--: definer
CREATE FUNCTION app.follow_proposal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lay_payment(NEW.id, NEW.hostel_id, NEW.user_id, NEW.kind, NEW.amount_paise,
                          CASE WHEN NEW.source = 'invoices' THEN ARRAY[NEW.source_id] END, NEW.reason);
  RETURN NULL;
END
$$;

-- -- moving out --------------------------------------------------------------------------------------------------------

--: definer
CREATE FUNCTION app.bill_settlement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.enqueue('billing.settlement', jsonb_build_object('move_out_id', NEW.id));
  RETURN NULL;
END
$$;

-- The deposit pays what is open; the rest goes to the wallet, and its payout is proposed. A deposit that was taken before
-- these books began is opened first.
--: definer; execute: portal_admin
CREATE FUNCTION app.return_deposit(p_move_out uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_out move_outs;
  v_deposit uuid;
  v_held bigint;
  v_used bigint;
BEGIN
  PERFORM app.assert_system();
  SELECT * INTO v_out FROM move_outs WHERE org_id = v_org AND id = p_move_out AND status IN ('settled', 'left') FOR UPDATE;
  IF NOT FOUND OR EXISTS (SELECT FROM ledger_transactions WHERE org_id = v_org AND key = 'settlement:' || p_move_out || ':rest')
     OR EXISTS (SELECT FROM invoice_payments WHERE org_id = v_org AND id = p_move_out) THEN
    RETURN;
  END IF;
  v_deposit := app.ledger_account(v_out.hostel_id, 'deposit', v_out.user_id);
  SELECT coalesce(sum(amount_paise), 0) INTO v_held FROM ledger_entries WHERE org_id = v_org AND account_id = v_deposit;
  IF v_held < v_out.deposit_paise THEN
    PERFORM app.book('settlement:' || p_move_out || ':opening', 'opening', v_out.hostel_id, v_out.deposit_paise - v_held,
                     'opening', NULL, 'deposit', v_out.user_id, '', 'move_outs', p_move_out);
  END IF;
  SELECT least(v_out.deposit_paise, coalesce(sum(total_paise - paid_paise), 0)) INTO v_used FROM invoices
  WHERE org_id = v_org AND hostel_id = v_out.hostel_id AND user_id = v_out.user_id AND status IN ('open', 'part_paid');
  IF v_used > 0 THEN
    PERFORM app.pay_invoices(p_move_out, v_out.hostel_id, v_out.user_id, 'deposit', v_used);
  END IF;
  IF v_out.deposit_paise > v_used THEN
    PERFORM app.book('settlement:' || p_move_out || ':rest', 'refund', v_out.hostel_id, v_out.deposit_paise - v_used,
                     'deposit', v_out.user_id, 'wallet', v_out.user_id, '', 'move_outs', p_move_out);
    PERFORM app.write_proposal(v_out.hostel_id, 'payout', v_out.user_id, '', v_out.deposit_paise - v_used, 'What is left of the deposit',
                               'move_outs', p_move_out, NULL);
  END IF;
END
$$;

-- -- time --------------------------------------------------------------------------------------------------------------

-- Counts reminders, so that each is sent once.
--: definer; execute: portal_admin
CREATE FUNCTION app.note_reminded(p_invoices uuid[], p_steps integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE invoices i SET reminded = x.step FROM unnest(p_invoices, p_steps) AS x (id, step) WHERE i.org_id = app.current_org() AND i.id = x.id;
END
$$;

--: definer; execute: service
CREATE FUNCTION app.organizations_with_billing() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT org_id FROM billing_settings WHERE automatic UNION SELECT org_id FROM invoices WHERE status IN ('open', 'part_paid')
$$;
