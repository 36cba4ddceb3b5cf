//! Directories in a session of either database: the statements are the same, only the driver's types differ.

/// Implements the directory traits for `Session`, whose statements run on this driver.
macro_rules! keep_directories {
    ($driver:ty) => {
        type Sql = $crate::database::directory_sql::Statements<$driver>;

        #[async_trait::async_trait]
        impl DirectorySnapshot for Session {
            async fn resource(
                &mut self,
                parent: &ParentId,
                kind: ResourceType,
                id: &str,
            ) -> Result<Option<Stored>, DatabaseError> {
                let mut query = Sql::resource(parent, kind, id);
                let found = query.build().fetch_optional(self.connection()).await?;
                Ok(found.map(|found| row::resource(&found, kind)).transpose()?.map(|(_, resource)| resource))
            }

            async fn resources(
                &mut self,
                parent: &ParentId,
                kind: ResourceType,
                lookup: &Lookup,
                after: Place,
                limit: u32,
            ) -> Result<Vec<(Place, Stored)>, DatabaseError> {
                let mut query = Sql::resources(parent, kind, lookup, after, limit);
                let found = query.build().fetch_all(self.connection()).await?;
                found.iter().map(|found| row::resource(found, kind)).collect()
            }

            async fn place(
                &mut self,
                parent: &ParentId,
                kind: ResourceType,
                skipped: u64,
            ) -> Result<(u64, Place), DatabaseError> {
                let mut query = Sql::blocks(parent, kind);
                let blocks: Vec<(i64, i64)> = query.build_query_as().fetch_all(self.connection()).await?;
                let (mut total, mut begins) = (0_u64, None);
                for (block, resources) in blocks {
                    let (block, resources) = (row::unsigned(block)?, row::unsigned(resources)?);
                    if begins.is_none() && skipped < total.saturating_add(resources) {
                        begins = Some((block, skipped.saturating_sub(total)));
                    }
                    total = total.saturating_add(resources);
                }
                let Some((block, skipped)) = begins else { return Ok((total, Place::default())) };
                let mut query = Sql::place_in_block(parent, kind, block, skipped);
                let place: Option<i64> = query.build_query_scalar().fetch_optional(self.connection()).await?;
                let place = row::unsigned(place.unwrap_or_default())?;
                Ok((total, Place(place.saturating_sub(1))))
            }

            async fn groups_of(
                &mut self,
                parent: &ParentId,
                users: &[String],
            ) -> Result<Vec<(String, GroupOfUser)>, DatabaseError> {
                let mut groups = Vec::new();
                for users in users.chunks(MAX_IDS) {
                    let mut query = Sql::groups_of(parent, users);
                    for found in query.build().persistent(false).fetch_all(self.connection()).await? {
                        let group = GroupOfUser {
                            id: found.try_get("id")?,
                            display_name: found.try_get("display_name")?,
                            external_id: found.try_get("external_id")?,
                        };
                        groups.push((found.try_get("user_id")?, group));
                    }
                }
                Ok(groups)
            }

            async fn members_of(
                &mut self,
                parent: &ParentId,
                group: &str,
                after: &str,
                limit: u32,
            ) -> Result<Vec<String>, DatabaseError> {
                let mut query = Sql::members_of(parent, group, after, limit);
                Ok(query.build_query_scalar().fetch_all(self.connection()).await?)
            }

            async fn members_among(
                &mut self,
                parent: &ParentId,
                group: &str,
                users: &[String],
            ) -> Result<Vec<String>, DatabaseError> {
                self.ids(users, |users| Sql::members_among(parent, group, users)).await
            }

            async fn users_among(&mut self, parent: &ParentId, ids: &[String]) -> Result<Vec<String>, DatabaseError> {
                self.ids(ids, |ids| Sql::users_among(parent, ids)).await
            }

            async fn users_with_emails(
                &mut self,
                parent: &ParentId,
                keys: &[String],
                of_each: u32,
            ) -> Result<Vec<Stored>, DatabaseError> {
                let mut users = Vec::new();
                for keys in keys.chunks(MAX_IDS) {
                    for mut query in
                        [Sql::users_with_emails(parent, keys, of_each), Sql::users_with_names(parent, keys)]
                    {
                        for found in query.build().persistent(false).fetch_all(self.connection()).await? {
                            users.push(row::resource(&found, ResourceType::User)?.1);
                        }
                    }
                }
                Ok(users)
            }

            async fn member_of_directory_user(
                &mut self,
                organization: &OrganizationId,
                user: &DirectoryUserId,
            ) -> Result<Option<Member>, DatabaseError> {
                self.find(Sql::member_of_directory_user(organization, user)).await
            }

            async fn waiting(
                &mut self,
                organization: &OrganizationId,
                after: Option<(u64, &MemberId)>,
                limit: u32,
            ) -> Result<Vec<Member>, DatabaseError> {
                let mut query = Sql::waiting(organization, after, limit);
                query.build().fetch_all(self.connection()).await?.iter().map(row::member).collect()
            }

            async fn member_count(&mut self, organization: &OrganizationId) -> Result<u32, DatabaseError> {
                let mut query = Sql::member_count(organization);
                row::count(query.build_query_scalar().fetch_one(self.connection()).await?)
            }

            async fn seats_of_all(
                &mut self,
            ) -> Result<
                std::collections::HashMap<OrganizationId, (usher_policy::rules::seats::Taken, u32)>,
                DatabaseError,
            > {
                let held = sqlx::query("SELECT organization, tier, used FROM seats WHERE used > 0");
                let held = held.fetch_all(self.connection()).await?;
                let waiting =
                    "SELECT organization, count(*) FROM members WHERE status = 'pending' GROUP BY organization";
                let waiting = sqlx::query(waiting).fetch_all(self.connection()).await?;
                row::seats_of_all(&held, &waiting)
            }
        }

        #[async_trait::async_trait]
        impl DirectoryTransaction for Session {
            async fn lock_directory(&mut self, parent: &ParentId) -> Result<(), DatabaseError> {
                self.run(Sql::lock(parent)).await.map(drop)
            }

            async fn create_resource(&mut self, parent: &ParentId, resource: &Stored) -> Result<(), DatabaseError> {
                let mut query = Sql::next_place(parent);
                let place: i64 = query.build_query_scalar().fetch_one(self.connection()).await?;
                let place = Place(row::unsigned(place)?);
                self.run(Sql::create(parent, resource, place)).await?;
                self.run(Sql::one_more(parent, resource.kind, place)).await?;
                self.keep_emails(parent, resource).await
            }

            async fn update_resource(&mut self, parent: &ParentId, resource: &Stored) -> Result<(), DatabaseError> {
                let updated = self.run(Sql::update(parent, resource)).await?;
                exactly_one(updated, "resources were updated")?;
                if resource.kind == ResourceType::User {
                    self.run(Sql::forget_emails(parent, &resource.id)).await?;
                    self.keep_emails(parent, resource).await?;
                }
                Ok(())
            }

            async fn remove_resource(
                &mut self,
                parent: &ParentId,
                kind: ResourceType,
                id: &str,
                now: u64,
            ) -> Result<(), DatabaseError> {
                match kind {
                    ResourceType::Group => drop(self.run(Sql::empty_group(parent, id)).await?),
                    ResourceType::User => {
                        self.run(Sql::change_groups_of(parent, id, now)).await?;
                        self.run(Sql::leave_groups(parent, id)).await?;
                        self.run(Sql::forget_emails(parent, id)).await?;
                    }
                }
                let mut query = Sql::remove(parent, kind, id);
                let place: i64 = query.build_query_scalar().fetch_one(self.connection()).await?;
                let counted = self.run(Sql::one_less(parent, kind, Place(row::unsigned(place)?))).await?;
                exactly_one(counted, "blocks were counted down")
            }

            async fn add_to_group(
                &mut self,
                parent: &ParentId,
                group: &str,
                users: &[String],
            ) -> Result<Vec<String>, DatabaseError> {
                self.ids(users, |users| Sql::add_to_group(parent, group, users)).await
            }

            async fn remove_from_group(
                &mut self,
                parent: &ParentId,
                group: &str,
                users: &[String],
            ) -> Result<Vec<String>, DatabaseError> {
                self.ids(users, |users| Sql::remove_from_group(parent, group, users)).await
            }
        }

        impl Session {
            /// The ids that a statement gives for some others, of which there may be many.
            async fn ids(
                &mut self,
                given: &[String],
                statement: impl Fn(&[String]) -> Statement<$driver> + Send,
            ) -> Result<Vec<String>, DatabaseError> {
                let mut all = Vec::new();
                for given in given.chunks(MAX_IDS) {
                    let mut query = statement(given);
                    let found = query.build_query_scalar::<String>().persistent(false);
                    all.extend(found.fetch_all(self.connection()).await?);
                }
                Ok(all)
            }

            async fn keep_emails(&mut self, parent: &ParentId, resource: &Stored) -> Result<(), DatabaseError> {
                match Sql::keep_emails(parent, resource) {
                    Some(query) => self.run(query).await.map(drop),
                    None => Ok(()),
                }
            }
        }
    };
}
pub(super) use keep_directories;
