-- Holds the place of the tables of the toolbox.
select 1;
