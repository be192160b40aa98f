SELECT
	`u`.`id`AS`k`,-- first, from where
'it''s, \' from',"a""b"# and
FROM`users`AS`u`WHERE`u`.`id`=5AND`name`='x'
;;
select/**/a.id,(/*(*/ select max(x) from events /*)*/ where day=a.id )from users a where(a.id)in(1,2)and((a.name))='ü'
;;
select 'grüße', name nämé from users ünïcode where ünïcode.id = 5 and `nämé` = 'ß' order by nämé desc
;;
select /*!50000 id, */ name /*!99999 , nothing */ from users /*M!100100 where id = 5 */ /*! and name = 'x' */ and name < 'y'
;;
select case when id = 1 and name = 'x' then 1 else 2 end c, name between 'a' and 'b' and id from users where case id when 1 then 2 end = 2 and id between 1 and 2 and not name between 'a' and 'b'
;;
select -id, - - 1, !id, ~id, not id, binary name, id is not null, id in (1, 2) is true, interval 1 day + name from users where -id < +1 and name is null and id is not true and name not like '%a' escape '|'
;;
select ((id)), ((id) + (1)), (id), (select (1)) from users where (((id = 1))) and ((id = 2) and (id = 3))
;;
select count(*), count(distinct(id)), sum(all id), (sum(id)) over (), lag(id, 1) over(partition by name) from users
;;
select all id from users use index for order by (x) where id = 1 group by id, (name) having id order by (id) asc, name desc
;;
insert ignore into notes (id, body) (select id, name from city where id in (1, 2)) on duplicate key update day = 1
;;
insert into notes select id, name, 1 from city c join logs l on l.id = c.id order by 1 limit 3 returning id
;;
select straight_join id a, name as b, id 'c', name as "d" from users limit 1 offset 2;