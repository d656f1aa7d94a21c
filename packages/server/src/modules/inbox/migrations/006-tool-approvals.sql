-- Calls of tools that wait until a person agrees to them.
alter table inbox_items
  drop constraint inbox_items_decides_kind_check,
  add constraint inbox_items_decides_kind_check
    check (decides_kind in ('signing_request', 'diary_invitation', 'script_run', 'tool_call'));
