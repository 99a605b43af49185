using System.Net;
using System.Net.Sockets;
using RawWs.Server.Transport.Loops;

namespace RawWs.Tests.Server.Transport.Loops;

[Platform("Linux")]
public unsafe class IoUringTests
{
    private const int NoHandle = 9;
    private const int TryAgain = 11;

    private IoUring _ring = null!;
    private Socket _socket = null!;
    private Socket _peer = null!;

    [SetUp]
    public void Connect()
    {
        _ring = IoUring.TryCreate(4)!;
        // Not everywhere is a process allowed to have one.
        Assume.That(_ring, Is.Not.Null);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _peer.Connect(listener.LocalEndpoint);
        _socket = listener.AcceptSocket();
    }

    [TearDown]
    public void Disconnect()
    {
        _ring?.Dispose();
        _socket?.Dispose();
        _peer?.Dispose();
    }

    [Test]
    public void Each_send_has_its_result()
    {
        byte[] bytes = [1, 2, 3, 4, 5];
        fixed (byte* pointer = bytes)
        {
            // More rounds than the ring has places.
            for (var round = 0; round < 5; round++)
            {
                IoUring.Request[] requests =
                    [new((int)_socket.Handle, pointer, 3), default, new(-1, pointer, 5), new((int)_socket.Handle, pointer + 3, 2)];
                _ring.Submit(requests);
                Assert.That(requests.Select(request => request.Result), Is.EqualTo((int[])[3, 0, -NoHandle, 2]));
                var received = new byte[5];
                Assert.That(_peer.Receive(received), Is.EqualTo(5));
                Assert.That(received, Is.EqualTo(bytes));
            }
        }
    }

    // It belongs to one thread, which is a way to have the system refuse.
    [Test]
    public void What_the_system_refuses_is_not_sent_later()
    {
        byte[] bytes = [1, 2, 3];
        fixed (byte* pointer = bytes)
        {
            IoUring.Request[] refused = [new((int)_socket.Handle, pointer, 1), new((int)_socket.Handle, pointer, 1)];
            var isSure = false;
            var thread = new Thread(() => isSure = _ring.Submit(refused));
            thread.Start();
            thread.Join();
            Assert.That(isSure, Is.True);
            Assert.That(refused.Select(request => request.Result), Is.All.Zero);

            IoUring.Request[] requests = [new((int)_socket.Handle, pointer + 1, 2)];
            Assert.That(_ring.Submit(requests), Is.True);
            Assert.That(requests[0].Result, Is.EqualTo(2));
            var received = new byte[3];
            Assert.That(_peer.Receive(received), Is.EqualTo(2));
            Assert.That(received[0], Is.EqualTo(2));
        }
    }

    [Test]
    [CancelAfter(10_000)]
    public void A_send_for_which_there_is_no_room_does_not_wait()
    {
        var bytes = new byte[1 << 20];
        fixed (byte* pointer = bytes)
        {
            IoUring.Request[] requests;
            do
            {
                requests = [new((int)_socket.Handle, pointer, bytes.Length)];
                _ring.Submit(requests);
            }
            while (requests[0].Result > 0);
            Assert.That(requests[0].Result, Is.EqualTo(-TryAgain));
        }
    }
}
