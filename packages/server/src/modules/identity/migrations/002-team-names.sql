-- Names of teams, for higher modules that show or check a team.
create view identity_team_names as select org_id, id, name from identity_teams;
