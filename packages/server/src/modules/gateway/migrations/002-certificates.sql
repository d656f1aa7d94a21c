-- Holds the place of the tables of certificates.
select 1;
