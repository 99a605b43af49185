using System.Collections.Immutable;
using RawWs.Server.Events;

namespace RawWs.Server.Rooms;

/// <summary>
/// Which sockets of a namespace are meant: those in any of some rooms, but in none of some others.
/// </summary>
/// <param name="Rooms">Empty for the whole namespace.</param>
/// <param name="Except">Rooms whose members are left out.</param>
/// <param name="Sender">A socket that is left out, or null.</param>
internal readonly record struct Audience(
    ImmutableArray<string> Rooms, ImmutableArray<string> Except, EventSocket? Sender)
{
    public static Audience Everyone { get; } = new([], [], null);
}
